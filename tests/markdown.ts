import GithubSlugger from 'github-slugger';
import { lexer, walkTokens, type Token } from 'marked';

/** One fenced block of a Markdown document. */
export interface Snippet {
  readonly language: string;
  readonly code: string;
  /** The line of its opening fence, from 1. */
  readonly line: number;
}

function tokensOf(markdown: string): Token[] {
  const all: Token[] = [];
  void walkTokens(lexer(markdown), (token) => {
    all.push(token);
  });
  return all;
}

function plainText(token: Token): string {
  if ('tokens' in token && token.tokens) return token.tokens.map(plainText).join('');
  return 'text' in token && typeof token.text === 'string' ? token.text : '';
}

/** The fenced blocks of a document, in order. */
export function snippets(markdown: string): Snippet[] {
  let from = 0;
  return tokensOf(markdown).flatMap((token) => {
    if (token.type !== 'code' || !('lang' in token)) return [];
    const start = markdown.indexOf(token.raw, from);
    from = start + token.raw.length;
    const line = markdown.slice(0, start).split('\n').length;
    return [{ language: String(token.lang ?? ''), code: String(token.text), line }];
  });
}

/** The targets of a document's links and images, as they are written. */
export function linkTargets(markdown: string): string[] {
  return tokensOf(markdown)
    .filter((token) => token.type === 'link' || token.type === 'image')
    .map((token) => ('href' in token ? String(token.href) : ''));
}

/** The fragments that a link into a document may name: its headings as code hosts slug them, and its explicit anchors; repeats are kept. */
export function anchors(markdown: string): string[] {
  const slugger = new GithubSlugger();
  const tokens = tokensOf(markdown);
  const headings = tokens
    .filter(({ type }) => type === 'heading')
    .map((token) => slugger.slug(plainText(token)));
  const explicit = tokens
    .filter(({ type }) => type === 'html')
    .flatMap(({ raw }) =>
      [...raw.matchAll(/<\w+[^>]*\s(?:id|name)="([^"]+)"/g)].map(([, name = '']) => name),
    );
  return [...headings, ...explicit];
}

/** The text of each table row of a document. */
export function tableRows(markdown: string): string[] {
  return tokensOf(markdown).flatMap((token) =>
    token.type === 'table' ? token.raw.split('\n').filter((row) => row.includes('|')) : [],
  );
}
