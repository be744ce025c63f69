/** A script that asks a listed and an unlisted host for a path, and prints what they answer. */
export function twoRequests(listed: string, unlisted: string, port: number, path: string): string {
  const ask = (host: string, what: string): string =>
    `ask ${host} ${port} 'GET http://${host}:${port}${path}-${what} HTTP/1.0\\r\\nHost: ${host}:${port}\\r\\n\\r\\n'`;
  return `p=\${HTTP_PROXY#http://}
ask() { h=\${p%:*} q=\${p##*:}; [ -n "$p" ] || { h=$1; q=$2; }; if command -v bash >/dev/null 2>&1; then timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "$2" >&3 && cat <&3' "$h" "$q" "$3"; else printf "$3" | timeout 5 nc "$h" "$q"; fi; }
${ask(listed, 'listed')}
${ask(unlisted, 'unlisted')}
true`;
}
