import { Skeleton, Stack } from '@mantine/core';
import {
  type ComponentType,
  lazy,
  type LazyExoticComponent,
  type ReactNode,
  Suspense,
} from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { ErrorBoundary } from './error-boundary.tsx';
import { NotFound } from './not-found.tsx';

type Page = LazyExoticComponent<ComponentType>;

/** Every page by its address. A page is fetched when it is first shown. */
const pages: readonly (readonly [pattern: string, page: Page])[] = [
  ['/', lazy(() => import('../pages/overview/page.tsx'))],
  ['/providers/:id?', lazy(() => import('../pages/providers/page.tsx'))],
  ['/snapshots/:id?', lazy(() => import('../pages/snapshots/page.tsx'))],
  ['/compare/:id?', lazy(() => import('../pages/compare/page.tsx'))],
  ['/conformance', lazy(() => import('../pages/conformance/page.tsx'))],
  ['/conformance/:id', lazy(() => import('../pages/conformance-run/page.tsx'))],
  ['/runs', lazy(() => import('../pages/runs/page.tsx'))],
  ['/runs/:id/records/:record', lazy(() => import('../pages/run-record/page.tsx'))],
  ['/runs/:id/:tab?', lazy(() => import('../pages/run/page.tsx'))],
  ['/provenance/:run?/:sequence?', lazy(() => import('../pages/provenance/page.tsx'))],
  ['/sandboxes', lazy(() => import('../pages/sandboxes/page.tsx'))],
  ['/sandboxes/:id/:tab?', lazy(() => import('../pages/sandbox/page.tsx'))],
];

/** The page of the current address. */
export function Routes(): ReactNode {
  const [location] = useLocation();
  return (
    <ErrorBoundary resetBy={location}>
      <Suspense fallback={<PagePlaceholder />}>
        <Switch>
          {pages.map(([pattern, page]) => (
            <Route key={pattern} path={pattern} component={page} />
          ))}
          <Route component={NotFound} />
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}

function PagePlaceholder(): ReactNode {
  return (
    <Stack gap="lg" aria-hidden>
      <Skeleton h={34} w={220} />
      <Skeleton h={320} />
    </Stack>
  );
}
