import {
  Button,
  Checkbox,
  Group,
  Modal,
  NumberInput,
  Slider,
  Stack,
  Switch,
  Text,
  TextInput,
} from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import type { RunProvider, StartRunRequest } from '../../../../src/protocol/runs.ts';
import { send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';

/** Sets up a run and begins it. */
export function NewRun({ opened, onClose }: { opened: boolean; onClose: () => void }): ReactNode {
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const [providers, setProviders] = useState<string[]>(['local']);
  const [only, setOnly] = useState('');
  const [concurrency, setConcurrency] = useState<number | string>(4);
  const [holdSeconds, setHold] = useState(3);
  const [approval, setApproval] = useState(true);
  const [agent, setAgent] = useState(false);
  const start = useMutation({
    mutationFn: (settings: StartRunRequest) =>
      send<{ readonly id: string }>('POST', '/api/runs', settings),
    onSuccess: ({ id }) => {
      void client.invalidateQueries({ queryKey: ['runs'] });
      onClose();
      navigate(`/runs/${id}`);
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    start.mutate({
      providers: providers.filter((name): name is RunProvider => name !== ''),
      ...(only.trim() === '' ? {} : { only: only.trim() }),
      concurrency: Number(concurrency) || 4,
      ...{ holdSeconds, approval, agent },
    });
  };
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={<Text fw={620}>New run: clinical records</Text>}
    >
      <form onSubmit={submit}>
        <Stack gap="lg">
          <Text size="sm" c="dimmed">
            Each record of a real sample set is read in a sandbox of its own, without network, and
            every value is looked up in the document again. It is a durable run: kill what you like.
          </Text>
          <Checkbox.Group
            label="Providers"
            description="The first has the run's own workspace; branches are spread over all. They must be able to mount Node from this machine."
            value={providers}
            onChange={setProviders}
          >
            <Group mt={8}>
              <Checkbox value="local" label="local" />
              <Checkbox value="docker" label="docker" />
            </Group>
          </Checkbox.Group>
          <div>
            <Text size="sm" fw={500} id="hold-label">
              Hold each sandbox for {holdSeconds} s
            </Text>
            <Text size="xs" c="dimmed" mb={10}>
              The work itself takes a third of a second: too short to kill by hand.
            </Text>
            <Slider
              value={holdSeconds}
              onChange={setHold}
              min={0}
              max={10}
              step={1}
              label={(value) => `${value} s`}
              thumbLabel="Seconds that each sandbox is held"
              marks={[
                { value: 0, label: '0' },
                { value: 5, label: '5 s' },
                { value: 10, label: '10 s' },
              ]}
              mb="lg"
            />
          </div>
          <Group grow align="flex-start">
            <NumberInput
              label="Sandboxes at a time"
              value={concurrency}
              onChange={setConcurrency}
              min={1}
              max={16}
              allowDecimal={false}
            />
            <TextInput
              label="Only documents with"
              description={undefined}
              placeholder="All 23"
              value={only}
              onChange={(event) => {
                setOnly(event.currentTarget.value);
              }}
            />
          </Group>
          <Stack gap="sm">
            <Switch
              label="Ask me before the results leave the run"
              checked={approval}
              onChange={(event) => {
                setApproval(event.currentTarget.checked);
              }}
            />
            <Switch
              label="Let a model write the extractor first"
              description="A real one where ANTHROPIC_API_KEY or OPENAI_API_KEY is set; else a script plays it."
              checked={agent}
              onChange={(event) => {
                setAgent(event.currentTarget.checked);
              }}
            />
          </Stack>
          {start.error !== null && <ErrorDisplay error={start.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={start.isPending} disabled={providers.length === 0}>
              Start the run
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
