#!/bin/sh
# Rolls a new version of a service out with Switchyard, prints what happens, and ends as the rollout does. Needs curl and jq.
#
#   SWITCHYARD_URL=https://switchyard.example.com SWITCHYARD_TOKEN=swy_... \
#   SERVICE=fleet/relay IMAGE=registry.example.com/relay:2.1.0 REASON="release 2.1.0" sh roll-out.sh
#
# Exits with 0 when the new version serves everything, 1 when the rollout was aborted, was superseded or failed (also where it then
# waits for a person), 2 when it was refused and nothing was started, 3 when the time was over (it goes on), 64 when a variable is
# missing, 130 when interrupted.
set -eu

: "${SWITCHYARD_URL:=}" "${SWITCHYARD_TOKEN:=}" "${SERVICE:=}" "${IMAGE:=}" "${CONTAINER:=}" "${REASON:=}" "${STRATEGY:=}"
: "${TICKS:=}" "${QUEUE:=false}" "${OVERRIDE_REASON:=}" "${TIMEOUT_MINUTES:=180}" "${ABORT_ON_CANCEL:=false}"
: "${IDEMPOTENCY_KEY:=}" "${GITHUB_OUTPUT:=/dev/null}" "${GITHUB_STEP_SUMMARY:=/dev/null}"

say() { printf '%s\n' "$*"; }

usage() {
  say "$*" >&2
  exit 64
}

[ -n "$SWITCHYARD_URL" ] || usage "SWITCHYARD_URL wants the address of Switchyard."
[ -n "$SWITCHYARD_TOKEN" ] || usage "SWITCHYARD_TOKEN wants an API token of role operator (Settings, API tokens)."
[ -n "$IMAGE" ] || usage "IMAGE wants the image to roll out, with its tag or digest."
[ -n "$REASON" ] || usage "REASON wants a few words on why; they stand in the audit."
case $SERVICE in */*/* | /* | */ | "") usage "SERVICE wants NAMESPACE/NAME." ;; */*) ;; *) usage "SERVICE wants NAMESPACE/NAME." ;; esac
case $TIMEOUT_MINUTES in "" | *[!0-9]*) usage "TIMEOUT_MINUTES wants a whole number." ;; esac
for program in curl jq; do command -v "$program" >/dev/null || usage "This needs $program."; done
if [ -n "$STRATEGY" ]; then printf '%s' "$STRATEGY" | jq empty 2>/dev/null || usage "STRATEGY wants JSON."; fi

url=${SWITCHYARD_URL%/}
deadline=$(($(date +%s) + TIMEOUT_MINUTES * 60))
dir=$(mktemp -d)
curl_pid=
rollout=
page=
trap 'rm -rf "$dir"' EXIT
trap 'interrupted' INT TERM HUP

# In a file, so that no list of processes shows it.
(umask 077 && printf 'Authorization: Bearer %s\n' "$SWITCHYARD_TOKEN" >"$dir/token")

# request METHOD PATH [BODY]: the answer's body in $dir/answer, its status in $status; 000 when there was no answer.
request() {
  method=$1
  path=$2
  body=${3:-}
  set --
  if [ -n "$body" ]; then
    printf '%s' "$body" >"$dir/body"
    set -- -H "Content-Type: application/json" -H "Idempotency-Key: $key" --data-binary "@$dir/body"
  fi
  curl -sS -o "$dir/answer" -w '%{http_code}' --connect-timeout 10 --max-time 60 -X "$method" -H "@$dir/token" "$@" \
    "$url$path" >"$dir/status" 2>"$dir/error" &
  curl_pid=$!
  # Waited for, so that a signal is answered at once and not when the long poll is over.
  wait "$curl_pid" || true
  curl_pid=
  status=$(cat "$dir/status")
  [ -n "$status" ] || status=000
}

# patiently METHOD PATH [BODY]: the same, again while Switchyard is away, for five minutes at most.
patiently() {
  given_up=$(($(date +%s) + 300))
  pause=1
  while :; do
    request "$@"
    case $status in 000 | 429 | 502 | 503 | 504) ;; *) return 0 ;; esac
    if [ "$(date +%s)" -ge "$given_up" ]; then return 0; fi
    sleep "$pause" &
    wait $! || true
    [ "$pause" -ge 15 ] || pause=$((pause * 2))
  done
}

# What Switchyard says of a request that it did not carry out.
complaint() {
  if [ "$status" = 000 ]; then
    cat "$dir/error"
  else
    jq -r '.detail // .title' "$dir/answer" 2>/dev/null || say "HTTP $status"
  fi
}

announce() {
  escaped=$(printf '%s' "$2" | sed 's/%/%25/g' | tr '\n' ' ')
  if [ "${GITHUB_ACTIONS:-}" = true ]; then say "::$1 title=Switchyard::$escaped"; else say "$1: $2"; fi
}

interrupted() {
  trap - INT TERM HUP
  [ -z "$curl_pid" ] || kill "$curl_pid" 2>/dev/null || true
  if [ -n "$rollout" ] && [ "$ABORT_ON_CANCEL" = true ]; then
    key="$key-abort"
    request POST "/api/rollouts/$rollout/abort" "$(jq -n --arg reason "cancelled: $REASON" '{reason: $reason[0:500]}')"
    case $status in
      2??) announce warning "Cancelled: the rollout is being aborted, $page tells how it ends." ;;
      *) announce error "Cancelled, but the rollout could not be aborted: $(complaint)" ;;
    esac
  elif [ -n "$rollout" ]; then
    announce warning "Cancelled; the rollout goes on: $page"
  fi
  exit 130
}

refuse() {
  announce error "Not started: $(complaint)"
  exit 2
}

# A request that is repeated in the same attempt of the same job starts one rollout.
key=$IDEMPOTENCY_KEY
[ -n "$key" ] || key=$(printf '%s' "${GITHUB_RUN_ID:-$(date +%s)-$$}-${GITHUB_RUN_ATTEMPT:-1}-${GITHUB_JOB:-}-$SERVICE-$IMAGE" | tr -c 'A-Za-z0-9.\n' '-' | cut -c1-100)

patiently GET "/api/services/$SERVICE"
[ "$status" = 200 ] || refuse
if jq -e --arg image "$IMAGE" --arg container "$CONTAINER" '.service | (if $container == "" then .container else $container end) as $name
  | any(.containers[]; .name == $name and .image == $image) and .candidate == null and .updated == .desired and .available == .desired' \
  "$dir/answer" >/dev/null; then
  message="$SERVICE runs $IMAGE already."
  say "$message"
  {
    say "state=complete"
    say "message=$message"
  } >>"$GITHUB_OUTPUT"
  exit 0
fi
start=$(jq --arg image "$IMAGE" --arg container "$CONTAINER" --arg reason "$REASON" --arg strategy "$STRATEGY" --arg ticks "$TICKS" \
  --arg override "$OVERRIDE_REASON" --arg queue "$QUEUE" '.service | {
    change: {image: {container: (if $container == "" then .container else $container end), image: $image}},
    seen: {uid, templateHash},
    reason: $reason[0:500],
    queue: ($queue == "true"),
    ticks: ($ticks | split(" ") | map(select(. != "")))
  } + (if $strategy == "" then {} else {strategy: ($strategy | fromjson)} end)
    + (if $override == "" then {} else {override: {reason: $override}} end)' "$dir/answer")

patiently POST "/api/services/$SERVICE/rollouts" "$start"
case $status in 2??) ;; *) refuse ;; esac
rollout=$(jq -r .rolloutId "$dir/answer")
page=$url/rollouts/$rollout
say "Rollout of $SERVICE to $IMAGE: $page"
{
  say "id=$rollout"
  say "url=$page"
} >>"$GITHUB_OUTPUT"

version=
state=
message=
while :; do
  left=$((deadline - $(date +%s)))
  if [ "$left" -le 0 ]; then
    state=${state:-unknown}
    announce error "Not over after $TIMEOUT_MINUTES minutes; the rollout goes on: $page"
    say "state=$state" >>"$GITHUB_OUTPUT"
    exit 3
  fi
  [ "$left" -le 30 ] || left=30
  patiently GET "/api/rollouts/$rollout${version:+?after=$version&waitSeconds=$left}"
  if [ "$status" != 200 ]; then
    announce error "The rollout can no longer be followed: $(complaint)"
    exit 3
  fi
  # An answer has the events that came after the version that was asked with.
  jq -r '.events[] | "\(.at[11:19])  \(.kind)  \(.message)"' "$dir/answer"
  version=$(jq -r .version "$dir/answer")
  state=$(jq -r .state "$dir/answer")
  message=$(jq -r '.message | gsub("\\s+"; " ")' "$dir/answer")
  case $state in complete | failed | aborted | superseded) break ;; esac
  if [ "$state" = paused ] && jq -e '.hold.cause == "failed"' "$dir/answer" >/dev/null; then
    state=failed
    break
  fi
done

{
  say "state=$state"
  say "message=$message"
} >>"$GITHUB_OUTPUT"
jq -r --arg page "$page" '"### [\(.service) \(.fromVersion // "") to \(.toVersion // ""): \(.state)](\($page))", "", .message, "",
  (.steps[] | "- \(.title): \(.state)")' "$dir/answer" >>"$GITHUB_STEP_SUMMARY"

if [ "$state" = complete ]; then
  say "$message"
  exit 0
fi
announce error "$message"
exit 1
