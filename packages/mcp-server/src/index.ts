export { serveHttp } from './http/serve-http.ts';
export type { HttpMcpServer, HttpOptions } from './http/serve-http.ts';
export { serveStdio } from './serve-stdio.ts';
export type { StdioOptions } from './serve-stdio.ts';
export type { McpServerOptions } from './server-options.ts';
