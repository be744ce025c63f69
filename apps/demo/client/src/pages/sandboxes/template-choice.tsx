import { Skeleton, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ManifestTemplate } from '../../../../src/protocol/manifests.ts';
import classes from './template-choice.module.css';

/** The templates side by side, one of them chosen. */
export function TemplateChoice({
  templates,
  value,
  onChange,
}: {
  templates: readonly ManifestTemplate[] | undefined;
  value: string;
  onChange: (template: ManifestTemplate) => void;
}): ReactNode {
  return (
    <fieldset className={classes.set}>
      <legend>Start from</legend>
      <div className={classes.row}>
        {templates === undefined &&
          [0, 1, 2].map((place) => <Skeleton key={place} h={34} w={130} />)}
        {templates?.map((template) => (
          <label key={template.id} className={classes.template}>
            <input
              type="radio"
              name="template"
              value={template.id}
              checked={template.id === value}
              onChange={() => {
                onChange(template);
              }}
            />
            {template.title}
          </label>
        ))}
      </div>
      <Text size="xs" c="dimmed" mt={6} mih={19}>
        {templates?.find(({ id }) => id === value)?.about}
      </Text>
    </fieldset>
  );
}
