/**
 * Leads a program whose Vercel SDK knows one address only to an emulator: `node --import @gantry/emulators/vercel/preload app.js`,
 * with the variables that `gantry emulate vercel` prints. Without `VERCEL_SANDBOX_API_URL` nothing changes.
 */
const vendorApi = 'https://vercel.com/api';
/** Where the vendor's requests go; `undefined` for the vendor's own place. */
export const place: string | undefined = process.env['VERCEL_SANDBOX_API_URL']?.replace(/\/+$/, '');
const { fetch: original } = globalThis;

if (place !== undefined && place !== '') {
  globalThis.fetch = (input, init) => {
    const asked = input instanceof Request ? input.url : String(input);
    if (!asked.startsWith(`${vendorApi}/`)) return original(input, init);
    const url = place + asked.slice(vendorApi.length);
    return original(input instanceof Request ? new Request(url, input) : url, init);
  };
}
