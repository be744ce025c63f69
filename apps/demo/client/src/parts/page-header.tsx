import { Group, Text, Title } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import classes from './page-header.module.css';

/** The top of a page: where it is, what it is, what can be done. One for each page, since it holds the `h1`. */
export function PageHeader({
  title,
  about,
  parent,
  badges,
  actions,
}: {
  title: ReactNode;
  about?: ReactNode;
  parent?: { readonly label: string; readonly href: string };
  badges?: ReactNode;
  actions?: ReactNode;
}): ReactNode {
  return (
    <header className={classes.header}>
      <div className={classes.words}>
        {parent !== undefined && (
          <nav className={classes.trail} aria-label="Breadcrumb">
            <Link href={parent.href}>{parent.label}</Link>
            <IconChevronRight size={13} aria-hidden />
          </nav>
        )}
        <Group gap={10}>
          <Title order={1} className={classes.title}>
            {title}
          </Title>
          {badges}
        </Group>
        {about !== undefined && (
          <Text size="sm" c="dimmed" mt={4} maw={680} component="div">
            {about}
          </Text>
        )}
      </div>
      {actions !== undefined && <div className={classes.actions}>{actions}</div>}
    </header>
  );
}
