// The start: one query cache, one router, one page.

import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { whenSignedOut } from './api/client'
import { ProblemError } from './api/problem'
import { meQuery } from './api/session'
import { makeRouter } from './router'
import './styles.css'
import { Toasts } from './ui/toast'
import { TooltipProvider } from './ui/tooltip'

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      // The event stream tells when the connection is back; a refusal stays a refusal.
      networkMode: 'always',
      retry: (count, error) => error instanceof ProblemError && error.status === 0 && count < 2,
    },
    mutations: { networkMode: 'always' },
  },
})
const router = makeRouter(client)

whenSignedOut(() => {
  client.setQueryData(meQuery.queryKey, null)
  void router.invalidate()
})

const place = document.getElementById('root')
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <TooltipProvider delayDuration={400}>
          <RouterProvider router={router} />
          <Toasts />
        </TooltipProvider>
      </QueryClientProvider>
    </StrictMode>,
  )
}
