import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { destinations } from './destinations.ts';
import { sandboxesQuery } from './queries.ts';
import classes from './navigation.module.css';

/** The list of places, in groups, the current one marked. */
export function Navigation({ onGo }: { onGo?: () => void }): ReactNode {
  const [location] = useLocation();
  const { data: sandboxes } = useQuery(sandboxesQuery);
  const counts: Readonly<Record<string, number | undefined>> = { '/sandboxes': sandboxes?.length };
  return (
    <nav className={classes.navigation} aria-label="Pages">
      {destinations.map(({ group, items }) => (
        <div key={group} className={classes.group}>
          {group !== '' && (
            <Text className={classes.heading} component="h2">
              {group}
            </Text>
          )}
          {items.map(({ path, label, icon: Icon, key }) => {
            const current =
              path === '/'
                ? location === '/'
                : location === path || location.startsWith(`${path}/`);
            const count = counts[path];
            return (
              <Link
                key={path}
                href={path}
                className={classes.link}
                aria-current={current ? 'page' : undefined}
                aria-keyshortcuts={`g ${key}`}
                {...(onGo === undefined ? {} : { onClick: onGo })}
              >
                <Icon size={18} stroke={1.6} aria-hidden />
                <span>{label}</span>
                {count !== undefined && count > 0 && <span className={classes.count}>{count}</span>}
              </Link>
            );
          })}
        </div>
      ))}
    </nav>
  );
}
