/**
 * The system calls that every sandbox's filter refuses whatever their arguments are: what no program in a sandbox
 * needs, and what has been a way into the kernel or to other processes.
 */
export const refusedSystemCalls = [
  // Other processes' memory and descriptors: a guest must not reach the agent, which has its uid.
  'ptrace',
  'process_vm_readv',
  'process_vm_writev',
  'kcmp',
  'pidfd_getfd',
  'process_madvise',
  // Kernel code and kernel images.
  'init_module',
  'finit_module',
  'delete_module',
  'create_module',
  'get_kernel_syms',
  'query_module',
  'kexec_load',
  'kexec_file_load',
  // Large kernel surfaces with a history, which ordinary programs do without.
  'bpf',
  'perf_event_open',
  'userfaultfd',
  'io_uring_setup',
  'io_uring_enter',
  'io_uring_register',
  'fanotify_init',
  'modify_ldt',
  // Keyrings belong to no namespace.
  'add_key',
  'request_key',
  'keyctl',
  // Files by handle, past every mount namespace.
  'open_by_handle_at',
  'name_to_handle_at',
  // Mounts and roots.
  'mount',
  'umount2',
  'pivot_root',
  'chroot',
  'open_tree',
  'move_mount',
  'fsopen',
  'fsconfig',
  'fsmount',
  'fspick',
  'mount_setattr',
  'open_tree_attr',
  // Namespaces; `clone` is looked at by its flags.
  'unshare',
  'setns',
  // The machine as a whole.
  'reboot',
  'swapon',
  'swapoff',
  'acct',
  'quotactl',
  'quotactl_fd',
  'settimeofday',
  'clock_settime',
  'clock_adjtime',
  'adjtimex',
  'syslog',
  'sethostname',
  'setdomainname',
  'vhangup',
  'iopl',
  'ioperm',
  'migrate_pages',
  'move_pages',
  // Obsolete.
  'nfsservctl',
  'lookup_dcookie',
  '_sysctl',
  'uselib',
  'ustat',
  'sysfs',
  'vserver',
] as const;

/** The name of one of them. */
export type RefusedSystemCall = (typeof refusedSystemCalls)[number];
