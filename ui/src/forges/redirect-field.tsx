// Which address the forge sends browsers back to. Old applications keep the one they registered.

import { SelectField } from '@/ui/field'
import type { FieldsProps } from './advanced-fields'

const REDIRECTS = [
  { value: 'own', label: '/oauth/callback/… (its own, the safest)' },
  { value: 'shared', label: '/oauth/callback' },
  { value: 'dashed', label: '/-/oauth/gitlab/callback' },
  { value: 'connector', label: '/api/v1/connectors/gitlab/callback' },
]

export function RedirectField({ form, set }: FieldsProps) {
  return (
    <SelectField
      label="Redirect address"
      hint="Another one only for an application that was registered with it earlier."
      value={form.redirect}
      onChange={(event) => set({ redirect: event.target.value })}
    >
      {REDIRECTS.map(({ value, label }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </SelectField>
  )
}
