import { Anchor, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';

/** For an address that leads nowhere. */
export function NotFound(): ReactNode {
  const [location] = useLocation();
  return (
    <Stack gap="xs" py="xl">
      <Title order={1} size="h3">
        There is no page here
      </Title>
      <Text c="dimmed" size="sm">
        Nothing is at {location}. The navigation has everything that there is.
      </Text>
      <Anchor component={Link} href="/" size="sm">
        Back to the overview
      </Anchor>
    </Stack>
  );
}
