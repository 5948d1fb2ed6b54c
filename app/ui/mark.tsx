/** The product's sign. */
export const Mark = ({ className = "size-5" }: { className?: string }) => (
  <svg viewBox="0 0 32 32" aria-hidden="true" className={className}>
    <rect width="32" height="32" rx="7" fill="var(--accent-solid)" />
    <path
      d="M7 21h6.5L18.5 11H25M7 11h4.5M20.5 21H25"
      fill="none"
      stroke="#fff"
      strokeWidth="2.6"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  </svg>
);
