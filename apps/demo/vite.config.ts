import react from '@vitejs/plugin-react';
import path from 'node:path';
import { defineConfig } from 'vite';

// The server serves what is built here; there is no second server with a policy of its own.
export default defineConfig({
  root: path.join(import.meta.dirname, 'client'),
  plugins: [react()],
  build: {
    outDir: path.join(import.meta.dirname, 'client', 'dist'),
    emptyOutDir: true,
    // The list of files of the first load, which a test measures.
    manifest: true,
    // Inlined files would be data: addresses, which the policy of the page does not allow for scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
