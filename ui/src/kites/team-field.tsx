// Who may call what will be registered: oneself, or a team one belongs to.

import { useQuery } from '@tanstack/react-query'
import { teamsQuery } from '@/api/teams'
import { SelectField } from '@/ui/field'

interface TeamFieldProps {
  /** A team's address; empty for nobody else. */
  value: string
  onChange: (value: string) => void
}

export function TeamField({ value, onChange }: TeamFieldProps) {
  const { data: teams } = useQuery(teamsQuery)
  // An administrator's list holds teams one is no member of.
  const own = teams?.items.filter(({ role }) => role != null) ?? []
  return (
    <SelectField
      label="Who may call"
      hint="What is registered with it. You can share each kite with others as well."
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">Only I</option>
      {own.map(({ slug, name, everybody }) => (
        <option key={slug} value={slug}>
          {everybody ? 'Everybody on this Hearth' : `Members of ${name}`}
        </option>
      ))}
    </SelectField>
  )
}
