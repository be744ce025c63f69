import {
  IconBox,
  IconCamera,
  IconChecklist,
  IconGitFork,
  IconHome,
  IconLink,
  IconPlugConnected,
  IconRoute,
  type TablerIcon,
} from '@tabler/icons-react';

/** A place that the navigation, the palette and a key sequence lead to. */
export interface Destination {
  readonly path: string;
  readonly label: string;
  /** In one line, for the palette. */
  readonly about: string;
  readonly icon: TablerIcon;
  /** After `g`. */
  readonly key: string;
}

/** The navigation, in groups. */
export const destinations: readonly {
  readonly group: string;
  readonly items: readonly Destination[];
}[] = [
  {
    group: '',
    items: [
      {
        path: '/',
        label: 'Overview',
        about: 'What runs now, and what is proven',
        icon: IconHome,
        key: 'o',
      },
    ],
  },
  {
    group: 'Try',
    items: [
      {
        path: '/providers',
        label: 'Providers',
        about: 'What each can do, and what is missing to use it',
        icon: IconPlugConnected,
        key: 'p',
      },
      {
        path: '/sandboxes',
        label: 'Sandboxes',
        about: 'Create, look inside, suspend, destroy',
        icon: IconBox,
        key: 's',
      },
      {
        path: '/snapshots',
        label: 'Snapshots',
        about: 'History, differences, rehydration on another provider',
        icon: IconCamera,
        key: 'n',
      },
      {
        path: '/compare',
        label: 'Fork and compare',
        about: 'One snapshot, many branches, side by side',
        icon: IconGitFork,
        key: 'f',
      },
    ],
  },
  {
    group: 'Prove',
    items: [
      {
        path: '/runs',
        label: 'Runs',
        about: 'Durable work: kill it, and see it go on',
        icon: IconRoute,
        key: 'r',
      },
      {
        path: '/provenance',
        label: 'Provenance',
        about: 'The signed chain of what happened',
        icon: IconLink,
        key: 'v',
      },
      {
        path: '/conformance',
        label: 'Conformance',
        about: 'Each check of each provider, live',
        icon: IconChecklist,
        key: 'c',
      },
    ],
  },
];

/** Every destination, in the order of the navigation. */
export const allDestinations: readonly Destination[] = destinations.flatMap(({ items }) => items);
