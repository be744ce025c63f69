/**
 * Says why a repository's address is refused, or `undefined` when it is good: https, ssh, or the
 * scp-like form of ssh. Credentials in the address are refused, since addresses are printed.
 */
export function gitUrlProblem(url: string): string | undefined {
  if (/[\p{Cc}\s]/u.test(url)) return 'the URL has a space or control character';
  if (url.startsWith('-')) return 'the URL starts with a dash';
  if (/^[A-Za-z0-9+.-]+::/.test(url)) return 'remote helpers (name::address) are refused';
  if (!url.includes('://')) return scpProblem(url);
  const parsed = URL.parse(url);
  if (parsed === null) return 'the URL cannot be read';
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'ssh:') {
    return `${parsed.protocol}// is refused; use https:// or ssh://`;
  }
  if (parsed.search !== '' || parsed.hash !== '') return 'the URL has a query or a fragment';
  if (parsed.hostname === '' || parsed.hostname.startsWith('-')) return 'the URL has no good host';
  if (parsed.pathname.length < 2) return 'the URL names no repository';
  if (parsed.pathname.startsWith('/-')) return 'the path of the URL starts with a dash';
  if (parsed.password !== '') return 'the URL holds a password; name it with `secret` instead';
  if (parsed.protocol === 'https:' && parsed.username !== '') {
    return 'the URL holds a user name; name the credential with `secret` instead';
  }
  return userProblem(parsed.username);
}

/** `user@host:path`, which git takes as ssh when no slash comes before the colon. */
function scpProblem(url: string): string | undefined {
  const match = /^(?:([^@/:]+)@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/\/)([^-].*)$/.exec(url);
  if (match === null) return 'only https://, ssh:// and user@host:path are repositories here';
  return userProblem(match[1] ?? '');
}

function userProblem(user: string): string | undefined {
  return user === '' || /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(user)
    ? undefined
    : 'the user name in the URL is not plain';
}

/** Whether git reaches the address over https, the only transport that takes a `secret`. */
export function isHttpsUrl(url: string): boolean {
  return URL.parse(url)?.protocol === 'https:';
}

/** Says why a ref is refused, or `undefined`. The rules are those of `git check-ref-format`. */
export function gitRefProblem(ref: string): string | undefined {
  if (ref === '' || ref === '@') return 'the ref is empty';
  if (ref.startsWith('-')) return 'the ref starts with a dash';
  // oxlint-disable-next-line no-control-regex -- the very characters that git forbids
  if (/[\u0000-\u0020\u007f~^:?*[\\]/.test(ref)) return 'the ref has a character that git forbids';
  if (ref.includes('..') || ref.includes('@{') || ref.includes('//')) {
    return 'the ref has `..`, `@{` or `//`';
  }
  if (ref.endsWith('.') || ref.startsWith('/') || ref.endsWith('/')) {
    return 'the ref starts or ends in a way that git forbids';
  }
  const bad = ref.split('/').some((part) => part.startsWith('.') || part.endsWith('.lock'));
  return bad ? 'a part of the ref starts with a dot or ends with .lock' : undefined;
}

/** Whether a ref is a full commit id, SHA-1 or SHA-256, which needs no looking up. */
export function isFullCommit(ref: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref);
}
