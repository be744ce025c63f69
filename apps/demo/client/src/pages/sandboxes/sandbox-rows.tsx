import { Menu, Skeleton } from '@mantine/core';
import { IconDots, IconFolder, IconTerminal2, IconTrash } from '@tabler/icons-react';
import { memo, type ReactNode, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { Link } from 'wouter';
import type { SandboxView } from '../../../../src/protocol/sandboxes.ts';
import { useSandboxActions } from '../../app/sandbox-actions.tsx';
import { Ago } from '../../parts/ago.tsx';
import { moveByArrows } from '../../parts/arrow-keys.ts';
import { ProviderName, SandboxState } from '../../parts/badges.tsx';
import classes from './page.module.css';

/** The list. Rows that are not in view cost nothing to lay out, so that hundreds stay fast. */
export function SandboxRows({ sandboxes }: { sandboxes: readonly SandboxView[] }): ReactNode {
  return (
    <div className={classes.list}>
      <div className={classes.head} aria-hidden>
        <span>Name</span>
        <span>State</span>
        <span>Provider</span>
        <span>Made</span>
        <span />
      </div>
      <ul aria-label="Sandboxes" onKeyDown={moveByArrows}>
        {sandboxes.map((sandbox) => (
          <Row key={sandbox.id} sandbox={sandbox} />
        ))}
      </ul>
    </div>
  );
}

const Row = memo(function Row({ sandbox }: { sandbox: SandboxView }): ReactNode {
  const { id, name, ref, state, provider, emulated, createdAt } = sandbox;
  return (
    <li className={classes.row}>
      <Link href={`/sandboxes/${encodeURIComponent(id)}`} className={classes.link} data-row>
        <span className={classes.name}>
          <span>{name}</span>
          <span className={classes.id}>{ref.id}</span>
        </span>
        <SandboxState state={state} />
        <ProviderName id={provider} emulated={emulated} />
        <span className={classes.made}>
          <Ago at={createdAt} />
        </span>
      </Link>
      <RowMenu sandbox={sandbox} />
    </li>
  );
});

/** A plain button until it is used: hundreds of menus that nobody opens would make the list slow. */
function RowMenu({ sandbox }: { sandbox: SandboxView }): ReactNode {
  const [opened, setOpened] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const label = `Actions of ${sandbox.name}`;
  if (opened) {
    return (
      <OpenedMenu
        sandbox={sandbox}
        label={label}
        onClose={() => {
          // The plain button must be back before it can have the focus.
          flushSync(() => {
            setOpened(false);
          });
          button.current?.focus();
        }}
      />
    );
  }
  return (
    <button
      ref={button}
      type="button"
      className={classes.more}
      aria-label={label}
      aria-haspopup="menu"
      onClick={() => {
        setOpened(true);
      }}
    >
      <IconDots size={17} aria-hidden />
    </button>
  );
}

function OpenedMenu({
  sandbox,
  label,
  onClose,
}: {
  sandbox: SandboxView;
  label: string;
  onClose: () => void;
}): ReactNode {
  const { destroy } = useSandboxActions(sandbox);
  const [isSure, setIsSure] = useState(false);
  const to = (tab: string): string => `/sandboxes/${encodeURIComponent(sandbox.id)}/${tab}`;
  return (
    <Menu position="bottom-end" withinPortal defaultOpened onClose={onClose}>
      <Menu.Target>
        <button type="button" className={classes.more} aria-label={label}>
          <IconDots size={17} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} href={to('terminal')} leftSection={<IconTerminal2 size={16} />}>
          Terminal
        </Menu.Item>
        <Menu.Item component={Link} href={to('files')} leftSection={<IconFolder size={16} />}>
          Files
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>Its contents are lost</Menu.Label>
        <Menu.Item
          className={classes.danger}
          leftSection={<IconTrash size={16} />}
          closeMenuOnClick={isSure}
          onClick={() => {
            if (isSure) destroy.mutate();
            else setIsSure(true);
          }}
        >
          {isSure ? 'Yes, destroy it' : 'Destroy'}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Where the list will be. */
export function ListPlaceholder(): ReactNode {
  return (
    <div className={classes.list} aria-busy aria-label="Listing the sandboxes">
      <div className={classes.head} />
      {[0, 1, 2, 3, 4, 5].map((row) => (
        <div key={row} className={classes.placeholder}>
          <Skeleton h={18} w={`${60 - row * 6}%`} />
        </div>
      ))}
    </div>
  );
}
