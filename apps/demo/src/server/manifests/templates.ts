import type { ManifestTemplate } from '../../protocol/manifests.ts';

/** Manifests to start from. Each can be made on every provider that has what it needs, with nothing but a base system in it. */
export const manifestTemplates: readonly ManifestTemplate[] = [
  {
    id: 'empty',
    title: 'Empty workspace',
    about: 'Nothing in it, no network, least rights.',
    needs: [],
    text: 'spec: gantry-manifest/1\nname: empty\n',
  },
  {
    id: 'hello',
    title: 'A script and its data',
    about: 'Two files with modes, a directory, and a variable of the environment.',
    needs: [],
    text: `spec: gantry-manifest/1
name: hello
env:
  GREETING: hello
entries:
  hello.sh:
    type: file
    mode: '0755'
    text: |
      #!/bin/sh
      while read -r name; do echo "$GREETING, $name"; done < data/names.txt
  data/names.txt:
    type: file
    text: |
      Ada
      Grace
      Barbara
  results:
    type: dir
`,
  },
  {
    id: 'setup',
    title: 'Prepared by commands',
    about: 'Commands run once the files are in place; if one fails, no sandbox is left.',
    needs: [],
    text: `spec: gantry-manifest/1
name: prepared
entries:
  measurements.csv:
    type: file
    text: |
      day,celsius
      mon,18
      tue,21
      wed,19
  results:
    type: output
setup:
  - tail -n +2 measurements.csv | sort -t , -k 2 -n > results/sorted.csv
  - awk -F , 'NR > 1 { sum += $2 } END { print sum / (NR - 1) }' measurements.csv > results/mean.txt
`,
  },
  {
    id: 'web',
    title: 'A web server with a preview',
    about:
      'A port that is open to this machine only. Run ./serve.pl in the terminal, then open the port.',
    needs: ['ports'],
    text: `spec: gantry-manifest/1
name: web
ports: [8000]
entries:
  index.html:
    type: file
    text: |
      <!doctype html>
      <title>In a sandbox</title>
      <body style="font: 1.2rem system-ui; margin: 3rem">
      <h1>Served from a sandbox</h1>
      <p>Edit <code>index.html</code> and load this page again.</p>
  serve.pl:
    type: file
    mode: '0755'
    text: |
      #!/usr/bin/perl
      use strict; use IO::Socket::INET;
      $| = 1;
      my $server = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => 8000, Listen => 16, ReuseAddr => 1) or die $!;
      print "serving index.html on port 8000\\n";
      while (my $client = $server->accept) {
        my $request = <$client> // '';
        while (my $line = <$client>) { last if $line =~ /^\\r?\\n$/ }
        print $request;
        open my $file, '<', 'index.html'; local $/; my $page = <$file>; close $file;
        print $client "HTTP/1.1 200 OK\\r\\nContent-Type: text/html; charset=utf-8\\r\\nConnection: close\\r\\nContent-Length: " . length($page) . "\\r\\n\\r\\n$page";
        close $client;
      }
`,
  },
  {
    id: 'limits',
    title: 'Held to limits',
    about: 'At most 256 MiB of memory and 64 processes, and gone after ten minutes.',
    needs: ['resources'],
    text: `spec: gantry-manifest/1
name: limited
resources:
  memoryBytes: 268435456
  pids: 64
maxLifetimeMs: 600000
entries:
  too-much.sh:
    type: file
    mode: '0755'
    text: |
      #!/bin/sh
      # Asks for more memory than there is for it.
      head -c 1G /dev/zero | tail -c 1G | wc -c
`,
  },
  {
    id: 'copy-on-write',
    title: 'A system that can be changed',
    about: 'The whole root file system can be written; what is written is gone with the sandbox.',
    needs: ['root'],
    text: `spec: gantry-manifest/1
name: own-system
root: copy-on-write
entries:
  notes.txt:
    type: file
    text: |
      Everything in /workspace is kept by a snapshot; the rest of the system is not.
`,
  },
];
