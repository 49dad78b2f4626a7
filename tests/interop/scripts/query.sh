#!/bin/sh
# Asks one question with curl and openssl alone: sh query.sh FOLDER OPENID ORGANIZATION_ID [SERIAL]
#
# FOLDER is what `palm sandbox --keys` wrote; SERIAL is the key with which the answer shall be signed.
# OPENID and ORGANIZATION_ID are percent-encoded already. Prints the body of a verified answer.
# Otherwise it says why on standard error, and exits with 1.
#
# Sources: the request https://pay.weixin.qq.com/doc/v3/merchant/4012365336, the answer
# https://pay.weixin.qq.com/doc/v3/merchant/4013053420
set -eu
folder=$1
target="/v3/palmservice/authorization/openid/$2?organization_id=$3"
wanted=${4:-}

refuse() { echo "$1" >&2; exit 1; }
setting() { sed -n "s/^ *\"$1\": \"\([^\"]*\)\".*/\1/p" "$folder/settings.json"; }
header() { tr -d '\r' < "$received/headers" | sed -n "s/^$1: //Ip"; }

received=$(mktemp -d)
trap 'rm -rf "$received"' EXIT

timestamp=$(date +%s)
nonce=$(openssl rand -hex 16)
signature=$(printf 'GET\n%s\n%s\n%s\n\n' "$target" "$timestamp" "$nonce" |
  openssl dgst -sha256 -sign "$folder/merchant_key.pem" | openssl base64 -A)
fields="mchid=\"$(setting mchid)\",nonce_str=\"$nonce\",timestamp=\"$timestamp\""
fields="$fields,serial_no=\"$(setting merchant_serial)\",signature=\"$signature\""

# curl sends no header whose value is empty. What is secret goes through a file, not an argument.
printf 'header = "Authorization: WECHATPAY2-SHA256-RSA2048 %s"\nheader = "Wechatpay-Serial: %s"\n' \
  "$(printf %s "$fields" | sed 's/"/\\"/g')" "$wanted" > "$received/config"
status=$(curl --silent --noproxy '*' --max-time 10 --config "$received/config" \
  --header 'Accept: application/json' --dump-header "$received/headers" \
  --output "$received/body" --write-out '%{http_code}' "$(setting base_url)$target")
[ "$status" = 200 ] || refuse "$(sed -n 's/.*"code": *"\([A-Z_]*\)".*/\1/p' "$received/body")"

for name in Timestamp Nonce Signature Serial; do
  [ -n "$(header "Wechatpay-$name")" ] || refuse "no Wechatpay-$name"
done
age=$(($(date +%s) - $(header Wechatpay-Timestamp)))
[ "${age#-}" -le 300 ] || refuse "too old"
case $(header Wechatpay-Serial) in
  "$(setting public_key_id)") cp "$folder/wechatpay_pub.pem" "$received/key" ;;
  "$(setting platform_serial)")
    openssl x509 -in "$folder/platform_cert.pem" -pubkey -noout > "$received/key" ;;
  *) refuse "an unknown key" ;;
esac
header Wechatpay-Signature | openssl base64 -d -A > "$received/signature"
{
  printf '%s\n%s\n' "$(header Wechatpay-Timestamp)" "$(header Wechatpay-Nonce)"
  cat "$received/body"
  echo
} | openssl dgst -sha256 -verify "$received/key" -signature "$received/signature" > /dev/null 2>&1 ||
  refuse "a wrong signature"
cat "$received/body"
