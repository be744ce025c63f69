import { type UseMutationResult, useMutation } from '@tanstack/react-query';
import { request } from '../../../app/api.ts';
import { filePath, join } from './sandbox-path.ts';

/** Puts files of this machine into a directory, one after the other; the first that fails ends it. */
export function useUpload(
  sandbox: string,
  directory: string,
  onChanged: () => void,
): UseMutationResult<unknown, Error, readonly File[]> {
  return useMutation({
    mutationFn: async (files: readonly File[]) => {
      for (const file of files) {
        await request('PUT', filePath(sandbox, join(directory, file.name)), {
          body: { bytes: file },
        });
      }
    },
    onSettled: onChanged,
  });
}
