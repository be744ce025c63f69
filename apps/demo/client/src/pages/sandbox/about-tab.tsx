import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { SandboxDetails } from '../../../../src/protocol/sandboxes.ts';
import { formatDuration } from '../../parts/amounts.ts';
import classes from './about-tab.module.css';

/** What it was made from, the proof of that, and what can be done with it. */
export default function AboutTab({ sandbox }: { sandbox: SandboxDetails }): ReactNode {
  const { capabilities, receipt, manifest, snapshot } = sandbox;
  const { traits, ...operations } = capabilities;
  return (
    <div className={classes.grid}>
      <section className="panel">
        <h2>Isolation</h2>
        <dl>
          <Fact name="What stands between">{traits.isolation}</Fact>
          {sandbox.emulated && (
            <Fact name="But here">an emulator on this machine stands in for the vendor</Fact>
          )}
          <Fact name="A kill reaches">the {traits.kill}</Fact>
          <Fact name="Exit status">{traits.exit}</Fact>
          {Object.entries(traits.limits).map(([name, value]) => (
            <Fact key={name} name={`Limit of ${name}`}>
              {value}
            </Fact>
          ))}
        </dl>
      </section>
      <section className="panel">
        <h2>Capabilities</h2>
        <ul className={classes.words}>
          {Object.keys(operations).map((name) => (
            <li key={name}>{name}</li>
          ))}
        </ul>
        {snapshot !== undefined && (
          <Text size="sm" mt="md">
            Its contents are those of snapshot{' '}
            <Link href={`/snapshots/${snapshot}`} className="mono">
              {snapshot.slice(0, 12)}
            </Link>{' '}
            and what was done since.
          </Text>
        )}
      </section>
      {receipt !== undefined && (
        <section className="panel">
          <h2>Receipt</h2>
          <dl>
            <Fact name="Manifest">
              <span className="mono">{receipt.manifestDigest.slice(0, 16)}</span>
            </Fact>
            <Fact name="Plan">
              <span className="mono">{receipt.planDigest.slice(0, 16)}</span>
            </Fact>
            <Fact name="Entries">{receipt.entries.length}</Fact>
            {receipt.setup.map(({ command, durationMs }) => (
              <Fact key={command} name="Set up by">
                <span className="mono">{command}</span> in {formatDuration(durationMs)}
              </Fact>
            ))}
          </dl>
        </section>
      )}
      {manifest !== undefined && (
        <section className="panel">
          <h2>Manifest</h2>
          <pre tabIndex={0} aria-label="The manifest">
            {manifest}
          </pre>
        </section>
      )}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
