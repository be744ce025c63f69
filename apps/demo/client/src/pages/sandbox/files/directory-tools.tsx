import { ActionIcon, Button, FileButton, Group, Menu, Modal, TextInput } from '@mantine/core';
import { IconFilePlus, IconFolderPlus, IconPlus, IconUpload } from '@tabler/icons-react';
import { type UseMutationResult, useMutation } from '@tanstack/react-query';
import { type ReactNode, useRef, useState } from 'react';
import { request } from '../../../app/api.ts';
import { ErrorDisplay } from '../../../app/error-display.tsx';
import { filePath, join } from './sandbox-path.ts';

/** What can be put into a directory: files from this machine, a new file, a new directory. */
export function DirectoryTools({
  sandbox,
  directory,
  upload,
  onChanged,
  onMade,
}: {
  sandbox: string;
  directory: string;
  upload: UseMutationResult<unknown, Error, readonly File[]>;
  onChanged: () => void;
  /** Called with the path of a new file. */
  onMade: (path: string) => void;
}): ReactNode {
  const [making, setMaking] = useState<'file' | 'directory'>();
  const choose = useRef<HTMLButtonElement>(null);
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label="Add to this directory"
            loading={upload.isPending}
          >
            <IconPlus size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconUpload size={16} />}
            onClick={() => {
              choose.current?.click();
            }}
          >
            Upload files
          </Menu.Item>
          <Menu.Item
            leftSection={<IconFilePlus size={16} />}
            onClick={() => {
              setMaking('file');
            }}
          >
            New file
          </Menu.Item>
          <Menu.Item
            leftSection={<IconFolderPlus size={16} />}
            onClick={() => {
              setMaking('directory');
            }}
          >
            New directory
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <FileButton
        multiple
        onChange={(files) => {
          if (files.length > 0) upload.mutate(files);
        }}
      >
        {(properties) => <button {...properties} ref={choose} type="button" hidden />}
      </FileButton>
      {making !== undefined && (
        <MakeDialog
          kind={making}
          sandbox={sandbox}
          directory={directory}
          onClose={() => {
            setMaking(undefined);
          }}
          onMade={(path) => {
            setMaking(undefined);
            onChanged();
            if (making === 'file') onMade(path);
          }}
        />
      )}
    </>
  );
}

function MakeDialog({
  kind,
  sandbox,
  directory,
  onClose,
  onMade,
}: {
  kind: 'file' | 'directory';
  sandbox: string;
  directory: string;
  onClose: () => void;
  onMade: (path: string) => void;
}): ReactNode {
  const [name, setName] = useState('');
  const make = useMutation({
    mutationFn: async (path: string) => {
      await (kind === 'directory'
        ? request('PUT', `${filePath(sandbox, path)}&directory=1`)
        : request('PUT', filePath(sandbox, path), { body: { bytes: new Uint8Array() } }));
      return path;
    },
    onSuccess: onMade,
  });
  return (
    <Modal opened onClose={onClose} title={`New ${kind}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate(join(directory, name));
        }}
      >
        <TextInput
          label="Name"
          data-autofocus
          value={name}
          onChange={({ currentTarget }) => {
            setName(currentTarget.value);
          }}
        />
        {make.error !== null && <ErrorDisplay error={make.error} />}
        <Group justify="flex-end" mt="md">
          <Button type="submit" disabled={name === ''} loading={make.isPending}>
            Make it
          </Button>
        </Group>
      </form>
    </Modal>
  );
}
