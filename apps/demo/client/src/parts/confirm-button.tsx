import { Button, type ButtonProps, Group, Modal, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';

/** A button for what cannot be undone: it asks first, and says what will be lost. */
export function ConfirmButton({
  label,
  question,
  consequence,
  onConfirm,
  children,
  ...button
}: ButtonProps & {
  /** Of both buttons: the verb. */
  label: string;
  question: string;
  consequence: string;
  onConfirm: () => void;
  children?: ReactNode;
}): ReactNode {
  const [opened, setOpened] = useState(false);
  const close = (): void => {
    setOpened(false);
  };
  return (
    <>
      <Button
        variant="default"
        {...button}
        onClick={() => {
          setOpened(true);
        }}
      >
        {children ?? label}
      </Button>
      <Modal opened={opened} onClose={close} title={<Text fw={620}>{question}</Text>}>
        <Text size="sm">{consequence}</Text>
        <Group justify="flex-end" mt="lg" gap="xs">
          <Button variant="default" onClick={close}>
            Keep it
          </Button>
          <Button
            color="red.8"
            data-autofocus
            onClick={() => {
              close();
              onConfirm();
            }}
          >
            {label}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
