import type { Capabilities, Finding } from '@gantry/core';
import { z } from 'zod';

/** Where an emulator runs its sandboxes. */
export type EmulatorBackend = 'local' | 'docker';

/** The emulator of a vendor. `starting` and `stopping` last seconds. */
export interface EmulatorView {
  readonly state: 'stopped' | 'starting' | 'running' | 'stopping';
  readonly backend?: EmulatorBackend;
  /** Why the last start failed. */
  readonly problem?: string;
}

/** The committed conformance report of a provider. */
export interface ReportSummary {
  /** File name in `reports/` without its ending. */
  readonly name: string;
  readonly provider: string;
  readonly mode: 'live' | 'emulated';
  /** Where the emulator ran its sandboxes, when not on `local`. */
  readonly on?: string;
  readonly isolation: string;
  /** Whether every profile that it declares is kept. */
  readonly conformant: boolean;
  readonly profiles: readonly { readonly name: string; readonly kept: boolean }[];
  readonly passed: number;
  readonly applicable: number;
  /** ISO date. */
  readonly date: string;
  /** The whole report as a page: `/api/conformance/reports/NAME.html`. */
  readonly href: string;
}

/** Something that must be there before a provider can be used, and how to get it. */
export interface MissingPart {
  readonly what: string;
  readonly how: string;
}

/** One provider, as `GET /api/providers` lists it. */
export interface ProviderView {
  readonly id: string;
  /** Its npm package. */
  readonly package: string;
  /** One line for people. */
  readonly summary: string;
  readonly installed: boolean;
  /** True: what is used now is the vendor's emulator on this machine. Mark it wherever the provider is named. */
  readonly emulated: boolean;
  /** Present for providers whose vendor can be emulated. */
  readonly emulator?: EmulatorView;
  /** A sandbox can be made now. */
  readonly ready: boolean;
  readonly missing: readonly MissingPart[];
  /** What it can do here when ready, else what it declares. */
  readonly capabilities?: Capabilities;
  /** Each committed report: one for each backend of the emulator. */
  readonly reports: readonly ReportSummary[];
  readonly doctor: readonly Finding[];
  /** Milliseconds since the Unix epoch at which the provider was asked. */
  readonly examinedAt: number;
}

/** `POST /api/providers/:id/emulator`. */
export interface StartEmulatorRequest {
  readonly backend: EmulatorBackend;
}

export const startEmulatorRequest: z.ZodType<StartEmulatorRequest> = z.strictObject({
  backend: z.enum(['local', 'docker']),
});
