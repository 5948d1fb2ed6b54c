/** YAML with line numbers; keys stand out from values, nothing more. */
export function Yaml({ text }: { text: string }) {
  const lines = text.replace(/\n$/, "").split("\n");
  return (
    <pre className="scroll-thin overflow-x-auto py-2 text-xs leading-5">
      {lines.map((line, index) => {
        const match = /^(\s*(?:- )?)([\w./-]+)(:)(.*)$/.exec(line);
        const key = `${index} ${line}`;
        return (
          <div key={key} className="flex">
            <span aria-hidden="true" className="w-12 shrink-0 select-none pr-3 text-right text-ink-3">
              {index + 1}
            </span>
            <code className="whitespace-pre-wrap break-words pr-4">
              {match ? (
                <>
                  {match[1]}
                  <span className="text-accent">{match[2]}</span>
                  <span className="text-ink-3">{match[3]}</span>
                  {match[4]}
                </>
              ) : (
                line
              )}
            </code>
          </div>
        );
      })}
    </pre>
  );
}
