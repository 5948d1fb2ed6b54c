import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { userKeys } from "#lib/client/users.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { TooltipProvider } from "../../../../../../ui/tooltip.tsx";

/** Shows children as a person with a role sees them. */
export function show(children: ReactNode, role: Role = "operator") {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 60_000 } } });
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role });
  const wrap = (content: ReactNode) => (
    <QueryClientProvider client={queries}>
      <TooltipProvider>{content}</TooltipProvider>
    </QueryClientProvider>
  );
  const { rerender } = render(wrap(children));
  return { queries, again: (content: ReactNode) => rerender(wrap(content)) };
}
