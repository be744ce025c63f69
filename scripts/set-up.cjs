'use strict';
// Gets a fresh checkout ready and then runs scripts/NAME.ts on the repository's own Node.
// This one file runs on whatever Node the machine has, before anything is installed: hence the old syntax.

var childProcess = require('child_process');
var crypto = require('crypto');
var fs = require('fs');
var path = require('path');

var PNPM = 'pnpm@12.21.0';
var OLDEST_NODE = 20;
var UNAVAILABLE = 69; // EX_UNAVAILABLE of sysexits(3): something that the machine must bring is missing.

var root = path.dirname(__dirname);
var stampFile = path.join(root, 'node_modules', '.gantry-install');
var ownNode = path.join(root, 'node_modules', 'node', 'bin', 'node');

// Debian package by the command that it brings. Only tasks that run sandboxes need them.
var DEBIAN_PACKAGES = {
  bwrap: 'bubblewrap',
  git: 'git',
  unshare: 'util-linux',
  setpriv: 'util-linux',
};
var TASKS_WITH_SANDBOXES = ['start', 'demo', 'check', 'bench', 'reports', 'pictures'];
// What only the tests need: another set of tools to run in a sandbox, and certificates for a git server.
var DEBIAN_PACKAGES_OF_TESTS = { busybox: 'busybox-static', openssl: 'openssl' };
// The browser that the tests of the demo open it with.
var DEBIAN_PACKAGES_OF_PAGES = { chromium: 'chromium' };
// What a private Docker daemon needs, which the tests and one benchmark start.
var DEBIAN_PACKAGES_OF_DOCKER = { dockerd: 'docker.io', runc: 'runc', iptables: 'iptables' };
// Where a package's own scripts ask whether they may start its daemon (invoke-rc.d(8)): 101 forbids it.
var SERVICE_POLICY = '/usr/sbin/policy-rc.d';

function stop(message, code) {
  process.stderr.write(message + '\n');
  process.exit(code);
}

function onPath(command) {
  return ((process.env.PATH || '') + ':/usr/sbin:/sbin').split(':').some(function (directory) {
    try {
      fs.accessSync(path.join(directory || '.', command), fs.constants.X_OK);
      return true;
    } catch (error) {
      if (error.code === 'ENOENT' || error.code === 'EACCES' || error.code === 'ENOTDIR')
        return false;
      throw error;
    }
  });
}

function refuseUnsupportedMachine() {
  if (process.platform !== 'linux') {
    stop(
      'This repository is set up on Linux only, and this machine says "' +
        process.platform +
        '": use a Linux machine, container or virtual machine.',
      UNAVAILABLE,
    );
  }
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    stop(
      'This repository is set up on x86-64 and arm64 only, and this machine says "' +
        process.arch +
        '".',
      UNAVAILABLE,
    );
  }
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    stop(
      'The set-up needs Node ' +
        OLDEST_NODE +
        ' or newer, and this is Node ' +
        process.versions.node +
        '.',
      UNAVAILABLE,
    );
  }
}

function run(command, parameters) {
  var result = childProcess.spawnSync(command, parameters, { cwd: root, stdio: 'inherit' });
  return result.error ? 127 : result.status === null ? 1 : result.status;
}

// Runs a command during which no package starts the daemon that it brings.
function runWithoutServices(command, parameters) {
  var own = !fs.existsSync(SERVICE_POLICY);
  if (own) fs.writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return run(command, parameters);
  } finally {
    if (own) fs.unlinkSync(SERVICE_POLICY);
  }
}

function packagesOf(task, parameters) {
  var tests = task === 'check' && parameters.indexOf('--types') === -1;
  var docker =
    tests ||
    (task === 'bench' && parameters[0] === 'docker' && !process.env.BENCH_DOCKER_SOCKET) ||
    (task === 'reports' && parameters[0] === 'docker' && !process.env.DOCKER_HOST);
  return Object.assign(
    {},
    DEBIAN_PACKAGES,
    task === 'check' || docker ? DEBIAN_PACKAGES_OF_TESTS : {},
    docker ? DEBIAN_PACKAGES_OF_DOCKER : {},
    (tests || task === 'pictures') && !process.env.CHROMIUM_PATH ? DEBIAN_PACKAGES_OF_PAGES : {},
  );
}

function ensureDebianPackages(task, parameters) {
  var packages = packagesOf(task, parameters);
  var missing = Object.keys(packages)
    .filter(function (command) {
      return !onPath(command);
    })
    .map(function (command) {
      return packages[command];
    })
    .filter(function (name, index, all) {
      return all.indexOf(name) === index;
    });
  if (missing.length === 0) return;
  var install = 'apt-get install -y --no-install-recommends ' + missing.join(' ');
  if (!onPath('apt-get')) {
    stop(
      'Sandboxes need ' +
        missing.join(' and ') +
        ', and this machine has no apt-get: install them with its own package manager.',
      UNAVAILABLE,
    );
  }
  if (process.getuid() !== 0) {
    stop(
      'Sandboxes need ' +
        missing.join(' and ') +
        '. Run this, then try again:\n\n  sudo ' +
        install +
        '\n',
      UNAVAILABLE,
    );
  }
  process.stdout.write('set-up: ' + install + '\n');
  var quiet = 'DEBIAN_FRONTEND=noninteractive ' + install + ' -qq';
  // The package lists of a fresh machine are empty or old, so a failure is tried once more after an update.
  var retried = quiet + ' || { apt-get update -qq && ' + quiet + '; }';
  if (runWithoutServices('sh', ['-c', retried]) !== 0) {
    stop(
      'The Debian packages could not be installed. Run this as root, then try again:\n\n  apt-get update && ' +
        install +
        '\n',
      UNAVAILABLE,
    );
  }
}

function manifestFiles() {
  var files = [
    'package.json',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    '.npmrc',
    'bench/package.json',
    'tests/package.json',
  ];
  ['packages', 'examples', 'apps'].forEach(function (group) {
    if (!fs.existsSync(path.join(root, group))) return;
    fs.readdirSync(path.join(root, group))
      .sort()
      .forEach(function (name) {
        files.push(group + '/' + name + '/package.json');
      });
  });
  return files.filter(function (file) {
    return fs.existsSync(path.join(root, file));
  });
}

function manifestDigest() {
  var hash = crypto.createHash('sha256').update(PNPM + ' ' + process.arch);
  manifestFiles().forEach(function (file) {
    hash.update('\0' + file + '\0').update(fs.readFileSync(path.join(root, file)));
  });
  return hash.digest('hex');
}

function ensureDependencies() {
  var digest = manifestDigest();
  var installed = fs.existsSync(stampFile) ? fs.readFileSync(stampFile, 'utf8') : '';
  if (installed === digest && fs.existsSync(ownNode)) return;
  process.stdout.write('set-up: installing dependencies with ' + PNPM + '\n');
  var code = run('npx', [
    '-y',
    PNPM,
    'install',
    '--frozen-lockfile',
    '--prefer-offline',
    '--reporter=append-only',
    '--config.confirm-modules-purge=false',
  ]);
  if (code !== 0) {
    stop(
      'The dependencies could not be installed (npx ' +
        PNPM +
        ' ended with ' +
        code +
        '). What it printed above says why; a changed package.json needs `npx -y ' +
        PNPM +
        ' install` to renew pnpm-lock.yaml.',
      1,
    );
  }
  fs.writeFileSync(stampFile, digest);
}

function runTask(name, parameters) {
  var environment = Object.assign({}, process.env, {
    PATH:
      path.join(root, 'node_modules', '.bin') + ':' + (process.env.PATH || '') + ':/usr/sbin:/sbin',
    TURBO_TELEMETRY_DISABLED: '1',
  });
  var task = childProcess.spawn(ownNode, [path.join(__dirname, name + '.ts')].concat(parameters), {
    cwd: root,
    env: environment,
    stdio: 'inherit',
  });
  // A terminal's Ctrl-C reaches the task too; this process only waits for the task's own ending.
  process.on('SIGINT', function () {});
  process.on('SIGTERM', function () {
    task.kill('SIGTERM');
  });
  task.on('error', function (error) {
    stop(
      "The repository's own Node could not be started (" +
        error.message +
        '): remove node_modules and try again.',
      1,
    );
  });
  task.on('exit', function (code, signal) {
    process.exitCode = signal ? 1 : code;
  });
}

var task = process.argv[2] || '';
var parameters = process.argv.slice(3);
if (!/^[a-z-]+$/.test(task) || !fs.existsSync(path.join(__dirname, task + '.ts'))) {
  stop('Usage: node scripts/set-up.cjs TASK, where TASK names a file scripts/TASK.ts.', 64);
}
refuseUnsupportedMachine();
if (TASKS_WITH_SANDBOXES.indexOf(task) !== -1) ensureDebianPackages(task, parameters);
ensureDependencies();
runTask(task, parameters);
