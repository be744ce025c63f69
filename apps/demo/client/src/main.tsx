import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

const place = document.getElementById('root');
if (!place) throw new Error('the page has no element #root');
createRoot(place).render(
  <StrictMode>
    <h1>Gantry</h1>
  </StrictMode>,
);
