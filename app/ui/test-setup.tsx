import type { ReactNode } from "react";
import { vi } from "vitest";

// There is no router in tests of components: links are plain ones, and an address is the document's. What else a test needs of it, it
// says itself.
vi.mock("next/link", () => ({
  default: ({ children, href, prefetch: _, ...rest }: { children: ReactNode; href: string; prefetch?: unknown }) => (
    <a href={href} data-inside="" {...rest}>
      {children}
    </a>
  ),
}));

vi.mock("next/navigation", () => ({
  usePathname: () => window.location.pathname,
  useRouter: () => ({ push: () => {} }),
  useSearchParams: () => new URLSearchParams(typeof window === "undefined" ? "" : window.location.search),
}));
