import {
  Badge,
  Button,
  createTheme,
  type CSSVariablesResolver,
  type MantineColorsTuple,
  type MantineThemeOverride,
  Modal,
  Paper,
  Tooltip,
} from '@mantine/core';

const cobalt: MantineColorsTuple = [
  '#eef3ff',
  '#dde6fd',
  '#bccbf9',
  '#9ab0f5',
  '#8aa3f6',
  '#5a7feb',
  '#3b62d9',
  '#2f51bf',
  '#2745a3',
  '#1e3787',
];
const gray: MantineColorsTuple = [
  '#f7f8fa',
  '#f0f2f5',
  '#e6e9ee',
  '#d8dde5',
  '#c2c9d4',
  '#9aa3b2',
  '#6b7585',
  '#525c6b',
  '#353d4a',
  '#1a2029',
];
const dark: MantineColorsTuple = [
  '#d5dbe4',
  '#b3bcc9',
  '#939eae',
  '#667182',
  '#3a434f',
  '#2a313b',
  '#1d2229',
  '#171b21',
  '#101317',
  '#0b0d10',
];

/** The look of the app: one accent, cool greys, small radii; each colour of text has AA contrast in both schemes. */
export const theme: MantineThemeOverride = createTheme({
  primaryColor: 'cobalt',
  primaryShade: 6,
  autoContrast: true,
  luminanceThreshold: 0.35,
  colors: { cobalt, gray, dark },
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, 'SF Mono', Menlo, monospace",
  headings: { fontWeight: '620' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  focusRing: 'auto',
  components: {
    Badge: Badge.extend({ defaultProps: { radius: 'sm', tt: 'none', fw: 550 } }),
    Button: Button.extend({ defaultProps: { size: 'sm' } }),
    Paper: Paper.extend({ defaultProps: { withBorder: true, radius: 'md' } }),
    Modal: Modal.extend({ defaultProps: { centered: true, overlayProps: { opacity: 0.35 } } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 250, withArrow: true } }),
  },
});

/** Mantine's own dimmed and error colours miss AA contrast on its own backgrounds: these keep it. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-text': '#1a2029',
    '--mantine-color-dimmed': '#566070',
    '--mantine-color-placeholder': '#687282',
    '--mantine-color-error': '#c02626',
    '--mantine-color-anchor': '#2f51bf',
    '--mantine-color-default-border': '#d8dde5',
  },
  dark: {
    '--mantine-color-dimmed': '#a0aaba',
    '--mantine-color-placeholder': '#8f9aaa',
    '--mantine-color-error': '#ff8f8f',
    '--mantine-color-anchor': '#9ab0f5',
    '--mantine-color-default-border': '#333b46',
  },
});
