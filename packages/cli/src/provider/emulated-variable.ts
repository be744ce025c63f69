/**
 * Names, in the environment that `gantry emulate` prints, the vendor whose variables lead to an emulator: what is then
 * proven of its provider is proven of an emulator.
 */
export const emulatedVariable = 'GANTRY_EMULATED';
