import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/jetbrains-mono/index.css';
import './app/global.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';

const root = document.getElementById('root');
if (root === null) throw new Error('The page has no #root element: index.html was changed.');

// A font that arrives after the first text moves that text: wait for it, but never long.
await Promise.race([
  Promise.all([
    document.fonts.load('1em "Inter Variable"'),
    document.fonts.load('1em "JetBrains Mono Variable"'),
  ]),
  new Promise((resolve) => {
    setTimeout(resolve, 500);
  }),
]);

// Where a drawer covers the place of the scroll bar, the page must keep it (see global.css).
const bar = window.innerWidth - document.body.clientWidth;
document.documentElement.style.setProperty('--scroll-bar', `${bar}px`);

createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
