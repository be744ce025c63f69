/** One thing that a snapshot may lose: a script that makes it, and one that says whether it is there. */
export interface FidelityPoint {
  readonly name: string;
  readonly make: string;
  readonly check: string;
}

/** Run by bash in the workspace, each by itself. */
export const fidelityPoints: readonly FidelityPoint[] = [
  { name: 'executable bit', make: 'printf x > run; chmod 755 run', check: 'test -x run' },
  { name: 'mode 0400', make: 'printf x > ro; chmod 400 ro', check: 'test $(stat -c %a ro) = 400' },
  {
    name: 'modification time',
    make: 'printf x > old; touch -d @1000000000 old',
    check: 'test $(stat -c %Y old) = 1000000000',
  },
  { name: 'empty directory', make: 'mkdir -p a/empty', check: 'test -d a/empty' },
  {
    name: 'symbolic link',
    make: 'printf x > t; ln -s t link',
    check: 'test "$(readlink link)" = t',
  },
  {
    name: 'dangling absolute link',
    make: 'ln -s /nowhere/x away',
    check: 'test "$(readlink away)" = /nowhere/x',
  },
  { name: 'hard link', make: 'printf x > h1; ln h1 h2', check: 'test h1 -ef h2' },
  { name: 'newline in a name', make: "printf x > $'a\\nb'", check: "test -f $'a\\nb'" },
  { name: 'name that is no UTF-8', make: "printf x > $'\\xff'", check: "test -f $'\\xff'" },
  {
    name: 'path over 4096 bytes',
    make: 'for i in {1..20}; do mkdir $(printf "d%.0s" {1..240}); cd -P ./d*; done; printf x > end',
    check: 'for i in {1..20}; do cd -P ./d*; done; test -f end',
  },
];
