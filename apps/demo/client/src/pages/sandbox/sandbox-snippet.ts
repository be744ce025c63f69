import { useParams } from 'wouter';
import type { SandboxDetails } from '../../../../src/protocol/sandboxes.ts';
import { useSearch } from '../../app/use-search.ts';
import { connectedCode, gantry, quote, shellWord } from '../../parts/action-code.ts';
import type { ActionCode } from '../../parts/copy-as-code.tsx';

/** The code of what the open tab does; it follows the tab and the file that is open. */
export function useSandboxSnippet(sandbox: SandboxDetails): ActionCode {
  const { tab = 'terminal' } = useParams<{ tab?: string }>();
  const [file] = useSearch('file');
  const { provider, ref } = sandbox;
  const cli = (words: string): string => `${gantry(provider, words)}\n`;
  const code = (lines: string): string => connectedCode(sandbox, lines);
  switch (tab) {
    case 'files': {
      const path = file === '' ? '.' : file;
      return file === ''
        ? {
            what: 'list the files',
            typescript: code(
              `for (const { name, type, size } of await sandbox.files.list('.')) console.log(type, size, name);`,
            ),
            cli: cli(`exec --sandbox ${ref.id} -- ls -la`),
          }
        : {
            what: `read ${path}, change it, and write it`,
            typescript: code(
              `const text = await sandbox.files.readText(${quote(path)});\nawait sandbox.files.write(${quote(path)}, text);`,
            ),
            cli: cli(`exec --sandbox ${ref.id} -- cat ${shellWord(path)}`),
          };
    }
    case 'processes':
      return {
        what: 'list the processes',
        typescript: code('console.table(await sandbox.processes());'),
        cli: cli(`ps ${ref.id}`),
      };
    case 'ports':
      return {
        what: 'reach a port',
        typescript: code(
          'const { url, headers } = await sandbox.expose(8080);\nconsole.log(await (await fetch(url, { headers })).text());',
        ),
      };
    case 'resources':
      return {
        what: 'see what it uses',
        typescript: code('console.log(await sandbox.metrics());'),
      };
    default:
      return {
        what: 'run a command',
        typescript: code(
          `const { exit, stdout } = await sandbox.exec('uname -a');\nconsole.log(exit, stdout.text);`,
        ),
        cli: cli(`shell --sandbox ${ref.id}`),
      };
  }
}

/** The code of what the buttons of the page do, whatever tab is open. */
export function wholeSandboxCode(sandbox: SandboxDetails, store: string): readonly ActionCode[] {
  const { provider, ref } = sandbox;
  const ended = (lines: string): string =>
    connectedCode(sandbox, lines).replace(/\nawait sandbox\.release\(\);.*\n/, '\n');
  const { suspend } = sandbox.capabilities;
  const takeSnapshot = connectedCode(
    sandbox,
    `const { id } = await sandbox.snapshot(directoryStore(${quote(store)}));\nconsole.log(id);`,
  );
  return [
    {
      what: 'take a snapshot',
      typescript: `import { directoryStore } from '@gantry/core/node';\n${takeSnapshot}`,
      cli: `${gantry(provider, `snapshot create ${ref.id} --store ${shellWord(store)}`)}\n`,
    },
    ...(suspend === undefined
      ? []
      : [
          {
            what: 'suspend and resume it',
            typescript: ended(
              `await sandbox.suspend();\n// later, from any process\nconst again = await ${provider}().resume(ref);\nawait again.release();`,
            ),
          },
        ]),
    {
      what: 'destroy it',
      typescript: ended('await sandbox.destroy();'),
      cli: `${gantry(provider, `destroy ${ref.id}`)}\n`,
    },
  ];
}
