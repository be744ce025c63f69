import { Skeleton, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import { useParams, useSearchParams } from 'wouter';
import type { DocumentFields, ExtractedField } from '../../../../src/protocol/runs.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { formatBytes } from '../../parts/amounts.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { fieldsQuery, sourceQuery } from '../run/run-queries.ts';
import { groupsOf, labelOf } from './segments.ts';
import { SourceText } from './source-text.tsx';
import classes from './page.module.css';

/** One document of a run: each value that was read, and the very bytes that it was read from. */
export default function RunRecordPage(): ReactNode {
  const parameters = useParams<{ id: string; record: string }>();
  const id = parameters.id;
  const record = decodeURIComponent(parameters.record);
  const fields = useQuery(fieldsQuery(id, record));
  const source = useQuery(sourceQuery(id, record));
  const error = fields.error ?? source.error;
  return (
    <>
      <PageHeader
        parent={{ label: id, href: `/runs/${id}` }}
        title={record}
        about={
          fields.data === undefined ? (
            'Each value, and the bytes that it was read from.'
          ) : (
            <>
              {fields.data.fields.length} values, each found at its place in{' '}
              {formatBytes(fields.data.bytes)}.{' '}
              <span className="mono">sha256 {fields.data.sha256.slice(0, 16)}</span>
            </>
          )
        }
      />
      {error !== null && (
        <ErrorDisplay
          error={error}
          retry={() => {
            void fields.refetch();
            void source.refetch();
          }}
        />
      )}
      {error === null && (fields.data === undefined || source.data === undefined) && (
        <Skeleton h={520} aria-label="The record is being read" />
      )}
      {fields.data !== undefined && source.data !== undefined && (
        <RecordView found={fields.data} source={source.data} />
      )}
    </>
  );
}

function RecordView({ found, source }: { found: DocumentFields; source: ArrayBuffer }): ReactNode {
  const [search, setSearch] = useSearchParams();
  const [filter, setFilter] = useState('');
  const chosen = search.get('field') ?? found.fields[0]?.path;
  const selected = found.fields.find(({ path }) => path === chosen);
  const select = (path: string): void => {
    setSearch({ field: path }, { replace: true });
  };
  const groups = useMemo(() => {
    const wanted = filter.toLowerCase();
    const shown = found.fields.filter(({ path, value }) =>
      `${path} ${value}`.toLowerCase().includes(wanted),
    );
    return [...groupsOf(shown)];
  }, [found, filter]);
  return (
    <div className={classes.columns}>
      <section className={classes.panel} aria-label="Values">
        <TextInput
          className={classes.filter}
          size="xs"
          placeholder="Filter values"
          aria-label="Filter values"
          leftSection={<IconSearch size={14} />}
          value={filter}
          onChange={(event) => {
            setFilter(event.currentTarget.value);
          }}
        />
        <div className={classes.values}>
          {groups.map(([group, fields]) => (
            <div key={group}>
              <Text className={classes.group}>{group}</Text>
              {fields.map((field) => (
                <FieldButton
                  key={field.path}
                  field={field}
                  selected={field === selected}
                  onSelect={select}
                />
              ))}
            </div>
          ))}
        </div>
      </section>
      <section className={classes.panel} aria-label="Source">
        <div className={classes.bar}>
          {selected === undefined ? (
            <span>Choose a value to see where it was read.</span>
          ) : (
            <>
              <span className="mono numbers">
                bytes {selected.start}–{selected.end}
              </span>
              <span>
                {selected.normalization === 'none'
                  ? 'as written'
                  : `through ${selected.normalization}`}
              </span>
            </>
          )}
        </div>
        <SourceText source={source} fields={found.fields} selected={selected} onSelect={select} />
      </section>
    </div>
  );
}

function FieldButton({
  field,
  selected,
  onSelect,
}: {
  field: ExtractedField;
  selected: boolean;
  onSelect: (path: string) => void;
}): ReactNode {
  return (
    <button
      type="button"
      className={classes.field}
      aria-pressed={selected}
      onClick={() => {
        onSelect(field.path);
      }}
    >
      <span className={classes.name}>{labelOf(field.path)}</span>
      <span className={classes.value}>{field.value}</span>
    </button>
  );
}
