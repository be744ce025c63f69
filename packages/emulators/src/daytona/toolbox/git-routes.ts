import type { Hono } from 'hono';
import type { GitBody } from '../wire-bodies.ts';
import { readBody } from '../wire-bodies.ts';
import { ApiError } from '../api-error.ts';
import { runGit } from './git-command.ts';
import { gitStatus } from './git-status.ts';
import { guestOf, guestPath, type ToolboxBindings, type ToolboxContext } from './toolbox-call.ts';

/** Calls that change something and answer nothing: their paths, and git's words for them. */
const changes: Readonly<Record<string, (body: GitBody) => readonly string[]>> = {
  add: ({ files = [] }) => ['add', '--', ...files],
  checkout: ({ branch = '' }) => ['checkout', branch, '--'],
  branches: ({ name = '' }) => ['branch', '--', name],
  push: ({ branch, remote = 'origin', set_upstream: track }) => [
    ...['push', ...(track ? ['--set-upstream'] : []), remote, ...(branch ? [branch] : ['HEAD'])],
  ],
  pull: ({ branch, remote = 'origin' }) => ['pull', remote, ...(branch ? [branch] : [])],
  reset: ({ mode, target = 'HEAD', files = [] }) =>
    files.length > 0
      ? ['reset', target, '--', ...files]
      : ['reset', ...(mode ? [`--${mode}`] : []), target, '--'],
  restore: ({ files = [], staged, worktree, source }) => [
    ...['restore', ...(staged ? ['--staged'] : []), ...(worktree ? ['--worktree'] : [])],
    ...(source ? [`--source=${source}`] : []),
    ...['--', ...files],
  ],
};

/** The sandbox's own git, over HTTP. */
export function addGitRoutes(app: Hono<{ Bindings: ToolboxBindings }>): void {
  const git = (c: ToolboxContext, body: GitBody, args: readonly string[]): Promise<string> =>
    runGit(guestOf(c), body.path, args, body);

  for (const [name, args] of Object.entries(changes)) {
    app.post(`/git/${name}`, async (c) => {
      const body = await readBody(c.req, 'git');
      await git(c, body, args(body));
      return c.body(null, name === 'branches' ? 201 : 200);
    });
  }
  app.post('/git/clone', async (c) => {
    const body = await readBody(c.req, 'git');
    const { url = '', branch, commit_id: commit, depth, insecure_skip_tls: insecure } = body;
    const options = [
      ...(insecure ? ['-c', 'http.sslVerify=false'] : []),
      ...[
        'clone',
        ...(branch ? ['--branch', branch] : []),
        ...(depth ? ['--depth', `${depth}`] : []),
      ],
    ];
    await runGit(guestOf(c), '/', [...options, '--', url, guestPath(body.path)], body);
    if (commit) await git(c, body, ['checkout', commit, '--']);
    return c.body(null, 200);
  });
  app.post('/git/init', async (c) => {
    const { path, bare, initial_branch: branch } = await readBody(c.req, 'git');
    const options = [
      ...(bare ? ['--bare'] : []),
      ...(branch ? [`--initial-branch=${branch}`] : []),
    ];
    await runGit(guestOf(c), '/', ['init', ...options, '--', guestPath(path)]);
    return c.body(null, 201);
  });
  app.post('/git/commit', async (c) => {
    const body = await readBody(c.req, 'git');
    const { author = '', email = '', message = '', allow_empty: empty } = body;
    const who = ['-c', `user.name=${author}`, '-c', `user.email=${email}`];
    await git(c, body, [...who, 'commit', ...(empty ? ['--allow-empty'] : []), '-m', message]);
    return c.json({ hash: (await git(c, body, ['rev-parse', 'HEAD'])).trim() });
  });
  app.delete('/git/branches', async (c) => {
    const body = await readBody(c.req, 'git');
    await git(c, body, ['branch', '-D', '--', body.name ?? '']);
    return c.body(null, 204);
  });
  app.get('/git/branches', async (c) => {
    const body = { path: c.req.query('path') };
    const names = await git(c, body, ['branch', '--format=%(refname:short)']);
    const current = (await git(c, body, ['branch', '--show-current'])).trim();
    return c.json({ branches: names.split('\n').filter((name) => name !== ''), current });
  });
  app.get('/git/history', async (c) => {
    const format = '--format=%H%x00%an%x00%ae%x00%aI%x00%B%x00';
    const text = await git(c, { path: c.req.query('path') }, ['log', format]);
    const fields = text.split('\0');
    const commits = Array.from({ length: Math.floor(fields.length / 5) }, (_, index) => {
      const [hash = '', author, email, timestamp, message = ''] = fields.slice(index * 5);
      return { hash: hash.trim(), author, email, timestamp, message: message.trimEnd() };
    });
    return c.json(commits);
  });
  app.get('/git/status', async (c) => {
    const args = ['status', '--porcelain=v2', '--branch', '--untracked-files=all', '-z'];
    return c.json(gitStatus(await git(c, { path: c.req.query('path') }, args)));
  });
  app.get('/git/remotes', async (c) => {
    const text = await git(c, { path: c.req.query('path') }, ['remote', '--verbose']);
    const remotes = [...text.matchAll(/^(\S+)\t(.*) \(fetch\)$/gm)];
    return c.json({ remotes: remotes.map(([, name, url]) => ({ name, url })) });
  });
  app.post('/git/remotes', async (c) => {
    const body = await readBody(c.req, 'git');
    const { name = '', url = '', overwrite, fetch } = body;
    const there = (await git(c, body, ['remote'])).split('\n').includes(name);
    if (there && !overwrite) throw new ApiError(409, `remote ${name} already exists`);
    await git(c, body, ['remote', there ? 'set-url' : 'add', '--', name, url]);
    if (fetch) await git(c, body, ['fetch', '--', name]);
    return c.body(null, 201);
  });
  app.get('/git/config', async (c) => {
    const { key = '', path, scope = 'global' } = c.req.query();
    const args = ['config', `--${scope}`, '--default', '', '--get', key];
    const value = (await git(c, { path }, args)).replace(/\n$/, '');
    return c.json(value === '' ? {} : { value });
  });
  app.post('/git/config', async (c) => {
    const body = await readBody(c.req, 'git');
    const { key = '', value = '', scope = 'global' } = body;
    await git(c, body, ['config', `--${scope}`, key, value]);
    return c.body(null, 200);
  });
  app.post('/git/config/user', async (c) => {
    const body = await readBody(c.req, 'git');
    const { name = '', email = '', scope = 'global' } = body;
    await git(c, body, ['config', `--${scope}`, 'user.name', name]);
    await git(c, body, ['config', `--${scope}`, 'user.email', email]);
    return c.body(null, 200);
  });
}
