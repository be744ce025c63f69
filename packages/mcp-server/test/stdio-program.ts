import { serveStdio } from '@gantry/mcp-server';
import { local } from '@gantry/provider-local';

// What an MCP client starts: a server over standard input and output.

const [, , stateDirectory = ''] = process.argv;
await serveStdio({ provider: local({ stateDirectory }) });
