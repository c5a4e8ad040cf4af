// Copying: a button, and a line of code with one.

import { Check, Copy } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { Button } from './button'
import { cn } from './class-names'
import { tellProblem } from './toast'

/** Puts text on the clipboard, also where the page is served over plain HTTP. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.setAttribute('readonly', '')
  area.style.position = 'fixed'
  // Inside an open dialog everything else is inert and cannot be selected.
  const place = document.querySelector('dialog[open]') ?? document.body
  place.append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  if (!copied) throw new Error('The browser did not allow it. Select the text and copy it by hand.')
}

interface CopyButtonProps {
  text: string | (() => string)
  /** What is copied, for screen readers: `Copy the id`. */
  label: string
  children?: ReactNode
  /** Instead of the two sheets of paper. */
  icon?: ReactNode
  className?: string
}

export function CopyButton({ text, label, children, icon, className }: CopyButtonProps) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1600)
    return () => clearTimeout(timer)
  }, [copied])

  const copy = () => {
    copyText(typeof text === 'function' ? text() : text)
      .then(() => setCopied(true))
      .catch((error: unknown) => tellProblem('Not copied', error))
  }
  return (
    <Button
      variant="ghost"
      size={children ? 'sm' : 'icon-sm'}
      className={className}
      aria-label={copied ? 'Copied' : label}
      onClick={copy}
    >
      {copied ? <Check className="size-3.5 text-ok" /> : (icon ?? <Copy className="size-3.5" />)}
      {children}
    </Button>
  )
}

/** Code to take along. */
export function CopyLine({ text, label, className }: { text: string; label: string; className?: string }) {
  return (
    <div className={cn('flex items-start gap-1 rounded-md border border-line bg-sunken py-1 pr-1 pl-3', className)}>
      <code className="min-w-0 flex-1 py-0.5 text-sm leading-5.5 break-all whitespace-pre-wrap">{text}</code>
      <CopyButton text={text} label={label} />
    </div>
  )
}
