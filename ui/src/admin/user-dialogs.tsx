// Adds a user; sets a user's password.

import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { Role, User } from '@/api/documents'
import { PasswordField, SelectField, TextField } from '@/ui/field'
import { FormDialog } from '@/ui/form-dialog'
import { tell } from '@/ui/toast'

export function NewUserDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState<Role>('member')
  const create = async () => {
    await answer(api.POST('/api/v1/users', { body: { name: name.trim(), password, role } }))
    tell(`${name.trim()} can sign in now`)
  }
  return (
    <FormDialog title="New user" verb="Create the user" onSubmit={create} onClose={onClose}>
      <TextField
        label="Name"
        hint="No spaces."
        value={name}
        onChange={(event) => setName(event.target.value)}
        required
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        data-autofocus=""
      />
      <PasswordField
        label="Password"
        hint="At least 10 characters. Hand it over; it can be changed in the settings."
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        required
        minLength={10}
        autoComplete="new-password"
      />
      <SelectField
        label="Role"
        value={role}
        onChange={(event) => setRole(event.target.value === 'admin' ? 'admin' : 'member')}
      >
        <option value="member">Member</option>
        <option value="admin">Administrator</option>
      </SelectField>
    </FormDialog>
  )
}

export function PasswordDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [password, setPassword] = useState('')
  const change = async () => {
    await answer(api.PATCH('/api/v1/users/{id}', { params: { path: { id: user.id } }, body: { password } }))
    tell(`Password of ${user.name} set`)
  }
  return (
    <FormDialog title={`Set a password for ${user.name}`} verb="Set the password" onSubmit={change} onClose={onClose}>
      <PasswordField
        label="New password"
        hint="At least 10 characters."
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        required
        minLength={10}
        autoComplete="new-password"
        data-autofocus=""
      />
    </FormDialog>
  )
}
