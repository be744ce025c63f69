import {
  Button,
  CopyButton,
  Group,
  NativeSelect,
  Popover,
  SegmentedControl,
  Text,
} from '@mantine/core';
import { IconCheck, IconCode, IconCopy } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import classes from './copy-as-code.module.css';

/** The TypeScript and the command line that do what an action of this page does. */
export interface ActionCode {
  /** What they do, for the button's name: `create this sandbox`. */
  readonly what: string;
  readonly typescript: string;
  /** Absent: the command has nothing for it. */
  readonly cli?: string;
}

/** A button that shows an action as code, ready to copy; `more` are the other actions at this place, to choose from. */
export function CopyAsCode({
  more = [],
  ...first
}: ActionCode & { more?: readonly ActionCode[] }): ReactNode {
  const [language, setLanguage] = useState<'typescript' | 'cli'>('typescript');
  const [chosen, setChosen] = useState('');
  // What was chosen may be no action of this place any more.
  const { what, typescript, cli } = more.find((action) => action.what === chosen) ?? first;
  const text = language === 'cli' && cli !== undefined ? cli : typescript;
  return (
    <Popover width="min(560px, calc(100vw - 32px))" position="bottom-end" shadow="md" trapFocus>
      <Popover.Target>
        <Button
          variant="default"
          leftSection={<IconCode size={16} />}
          aria-label={`As code: ${first.what}`}
        >
          As code
        </Button>
      </Popover.Target>
      <Popover.Dropdown
        p={0}
        aria-label={`As code: ${first.what}`}
        onKeyDown={(event) => {
          // It closes itself; what it is in stays open.
          if (event.key === 'Escape') event.stopPropagation();
        }}
      >
        <Group justify="space-between" p="xs" gap="xs" className={classes.bar}>
          {cli === undefined ? (
            <Text size="xs" fw={600} px={6}>
              TypeScript
            </Text>
          ) : (
            <SegmentedControl
              size="xs"
              aria-label="Language"
              value={language}
              onChange={(value) => {
                setLanguage(value === 'cli' ? 'cli' : 'typescript');
              }}
              data={[
                { value: 'typescript', label: 'TypeScript' },
                { value: 'cli', label: 'Command line' },
              ]}
            />
          )}
          <CopyButton value={text}>
            {({ copied, copy }) => (
              <Button
                size="xs"
                variant="subtle"
                onClick={copy}
                leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
              >
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
        </Group>
        {more.length > 0 && (
          <NativeSelect
            size="xs"
            p="xs"
            aria-label="Action"
            data={[first, ...more].map((action) => action.what)}
            value={what}
            onChange={({ currentTarget }) => {
              setChosen(currentTarget.value);
            }}
          />
        )}
        {/* A scrolled region must be reachable by keyboard. */}
        <pre className={classes.code} tabIndex={0} aria-label={`Code that does this: ${what}`}>
          {text}
        </pre>
      </Popover.Dropdown>
    </Popover>
  );
}
