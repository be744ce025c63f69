import { IconCheck, IconMinus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { CapabilityName } from '@gantry/core';
import type { ProviderView } from '../../../../src/protocol/providers.ts';
import { ProviderName } from '../../parts/badges.tsx';
import { type Capability, capabilities } from './capabilities.ts';
import { whereItRuns } from './provider-card.tsx';
import classes from './page.module.css';

/** What each provider can do, side by side. */
export function CapabilityMatrix({ providers }: { providers: readonly ProviderView[] }): ReactNode {
  return (
    <section aria-labelledby="matrix" className={classes.matrix}>
      <h2 id="matrix">Capabilities side by side</h2>
      <div className={classes.scroll} tabIndex={0} role="region" aria-labelledby="matrix">
        <table>
          <thead>
            <tr>
              <th scope="col">Capability</th>
              {providers.map(({ id, emulated }) => (
                <th key={id} scope="col">
                  <ProviderName id={id} emulated={emulated} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">Isolation</th>
              {providers.map((provider) => (
                <td key={provider.id}>{whereItRuns(provider)}</td>
              ))}
            </tr>
            {capabilities.map((capability) => (
              <Row key={capability.name} capability={capability} providers={providers} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({
  capability: { name, about },
  providers,
}: {
  capability: Capability;
  providers: readonly ProviderView[];
}): ReactNode {
  return (
    <tr>
      <th scope="row">
        {name}
        <small>{about}</small>
      </th>
      {providers.map(({ id, capabilities: declared }) => (
        <td key={id}>
          <Mark name={name} declared={declared} />
        </td>
      ))}
    </tr>
  );
}

function Mark({
  name,
  declared,
}: {
  name: CapabilityName;
  declared: ProviderView['capabilities'];
}): ReactNode {
  if (declared === undefined) return <span className={classes.no}>unknown</span>;
  const has = declared[name] !== undefined;
  return (
    <span className={has ? classes.yes : classes.no}>
      {has ? <IconCheck size={16} aria-hidden /> : <IconMinus size={16} aria-hidden />}
      <span className="visually-hidden">{has ? 'yes' : 'no'}</span>
    </span>
  );
}
