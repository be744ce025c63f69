import { Button, Group, Select, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import type { PlanAnswer } from '../../../../src/protocol/manifests.ts';
import type { ProviderView } from '../../../../src/protocol/providers.ts';
import type { OperationAnswer } from '../../../../src/protocol/sandboxes.ts';
import { send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { failure, useOperation } from '../../app/operation.ts';
import { providersQuery, stateQuery, templatesQuery } from '../../app/queries.ts';
import { useSearch } from '../../app/use-search.ts';
import { CopyAsCode } from '../../parts/copy-as-code.tsx';
import { OperationProgress } from '../../parts/operation-progress.tsx';
import { createCode } from './create-code.ts';
import classes from './create-form.module.css';
import { useDraft } from './draft.ts';
import { PlanView } from './plan-view.tsx';
import { TemplateChoice } from './template-choice.tsx';

const ManifestEditor = lazy(() => import('./manifest-editor.tsx'));
/** The plan follows the text at this distance. */
const PLAN_AFTER_MS = 350;

/** What the sandbox is made of, what will be done for it, and the button that does it. */
export function CreateForm(): ReactNode {
  const [, navigate] = useLocation();
  const [draft, change] = useDraft();
  const [on, setOn] = useSearch('on');
  const { data: state } = useQuery(stateQuery);
  const { data: providers, error: providersError } = useQuery(providersQuery);
  const { data: templates, error: templatesError } = useQuery(templatesQuery);
  const first = templates?.[0];
  useEffect(() => {
    if (draft.manifest === '' && first !== undefined) {
      change({ template: first.id, manifest: first.text });
    }
  }, [draft.manifest, first, change]);

  // A link of the page of providers names one; what is chosen here is kept.
  const provider = [on, draft.provider, state?.defaultProvider].find(Boolean) ?? '';
  const chosen = providers?.find(({ id }) => id === provider);
  const [manifest] = useDebouncedValue(draft.manifest, PLAN_AFTER_MS);
  const plan = useQuery({
    queryKey: ['plan', provider, manifest],
    queryFn: () => send<PlanAnswer>('POST', '/api/manifest/plan', { provider, manifest }),
    enabled: provider !== '' && manifest !== '',
    placeholderData: (before) => before,
    gcTime: 60_000,
  });
  const isPlanned = plan.data?.plan?.refused.length === 0 && manifest === draft.manifest;

  const [operation, setOperation] = useState<string>();
  const progress = useOperation(operation);
  const create = useMutation({
    mutationFn: () =>
      send<OperationAnswer>('POST', '/api/sandboxes', {
        provider,
        manifest: draft.manifest,
        ...(draft.name.trim() === '' ? {} : { name: draft.name.trim() }),
      }),
    onSuccess: (answer) => {
      setOperation(answer.operation);
    },
  });
  useEffect(() => {
    if (progress?.state !== 'done' || progress.sandbox === undefined) return;
    change({ name: '' });
    navigate(`/sandboxes/${encodeURIComponent(progress.sandbox)}`);
  }, [progress, change, navigate]);
  const isBusy =
    create.isPending || (operation !== undefined && (progress?.state ?? 'running') === 'running');
  const error = create.error ?? (progress?.state === 'failed' ? failure(progress) : null);

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate();
      }}
    >
      <Stack gap="md">
        <div className={classes.fields}>
          <Select
            label="Provider"
            data={providers?.map(option) ?? []}
            value={provider}
            allowDeselect={false}
            onChange={(value) => {
              setOn('');
              change({ provider: value ?? '' });
            }}
            error={chosen?.ready === false ? whyNotReady(chosen) : undefined}
          />
          <TextInput
            label="Name"
            // On a phone the focus would bring up the keyboard, over the rest of the form.
            data-autofocus={!matchMedia('(pointer: coarse)').matches || undefined}
            placeholder="The manifest’s, else one is made up"
            maxLength={80}
            value={draft.name}
            onChange={({ currentTarget }) => {
              change({ name: currentTarget.value });
            }}
          />
        </div>
        <TemplateChoice
          templates={templates}
          value={draft.template}
          onChange={({ id, text }) => {
            change({ template: id, manifest: text });
          }}
        />
        <div className={classes.halves}>
          <div>
            <Text size="sm" fw={500} mb={4} aria-hidden>
              Manifest
            </Text>
            <div className={classes.editor}>
              <Suspense fallback={<Skeleton h="100%" aria-label="Loading the editor" />}>
                <ManifestEditor
                  value={draft.manifest}
                  problems={plan.data?.problems ?? []}
                  onChange={(text) => {
                    change({ manifest: text });
                  }}
                />
              </Suspense>
            </div>
          </div>
          <div>
            <Text size="sm" fw={500} mb={4} aria-hidden>
              Plan
            </Text>
            <PlanView answer={plan.data} emulated={chosen?.emulated ?? false} />
          </div>
        </div>
        {[providersError, templatesError, plan.error].map(
          (each) => each !== null && <ErrorDisplay key={each.message} error={each} />,
        )}
        {error !== null && <ErrorDisplay error={error} title="No sandbox was made" />}
        <div className={classes.foot}>
          {isBusy && (
            <div className={classes.progress}>
              <OperationProgress event={progress} />
            </div>
          )}
          <Group gap={8} wrap="nowrap">
            <CopyAsCode
              what="create this sandbox"
              {...createCode({
                provider,
                emulated: chosen?.emulated ?? false,
                json: plan.data?.json,
                yaml: draft.manifest,
              })}
            />
            <Button type="submit" disabled={!isPlanned || isBusy || chosen?.ready !== true}>
              Create
            </Button>
          </Group>
        </div>
      </Stack>
    </form>
  );
}

function option({ id, ready, emulated }: ProviderView): { value: string; label: string } {
  const notes = [emulated ? 'emulated' : '', ready ? '' : 'not ready'].filter(
    (note) => note !== '',
  );
  return { value: id, label: notes.length === 0 ? id : `${id} (${notes.join(', ')})` };
}

function whyNotReady({ missing, emulator }: ProviderView): string {
  const what = missing.map((part) => part.what).join(', ');
  const how = emulator === undefined ? '' : ' Its emulator can be started under Providers.';
  return `Not ready: ${what === '' ? 'see its findings under Providers' : `missing ${what}`}.${how}`;
}
