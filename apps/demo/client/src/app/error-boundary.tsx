import { Component, type ReactNode } from 'react';
import { ErrorPage } from './error-display.tsx';

interface Props {
  readonly children: ReactNode;
  /** A change of it shows the children again: the address, so that another page is never hidden by this one's error. */
  readonly resetBy?: string;
}

interface State {
  readonly failure: { readonly error: unknown } | undefined;
}

/** Shows the error of what is in it in its place; the rest of the app stays usable. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { failure: undefined };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { failure: { error } };
  }

  override componentDidUpdate(previous: Props): void {
    if (this.state.failure !== undefined && previous.resetBy !== this.props.resetBy) this.reset();
  }

  private readonly reset = (): void => {
    this.setState({ failure: undefined });
  };

  override render(): ReactNode {
    const { failure } = this.state;
    return failure === undefined ? (
      this.props.children
    ) : (
      <ErrorPage error={failure.error} reset={this.reset} />
    );
  }
}
