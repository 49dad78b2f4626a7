<?php

// Asks one question as WeChat Pay's documentation tells those who use no SDK, with PHP's own openssl
// functions: php query.php FOLDER OPENID ORGANIZATION_ID [SERIAL]
//
// FOLDER is what `palm sandbox --keys` wrote; SERIAL is the key with which the answer shall be signed.
// Prints the body of a verified answer. Otherwise it says why on standard error, and exits with 1.
//
// Sources: the request https://pay.weixin.qq.com/doc/v3/merchant/4012365336, the answer
// https://pay.weixin.qq.com/doc/v3/merchant/4013053420

declare(strict_types=1);

const LONGEST_AGE_S = 300;

function refuse(string $reason): never
{
    fwrite(STDERR, $reason . "\n");
    exit(1);
}

/** Returns the value of the header Authorization. */
function authorization(array $settings, string $key, string $method, string $target, string $body): string
{
    $timestamp = time();
    $nonce = bin2hex(random_bytes(16));
    $message = "$method\n$target\n$timestamp\n$nonce\n$body\n";
    openssl_sign($message, $signature, openssl_pkey_get_private($key), 'sha256WithRSAEncryption');
    return sprintf(
        'WECHATPAY2-SHA256-RSA2048 mchid="%s",nonce_str="%s",timestamp="%d",serial_no="%s",signature="%s"',
        $settings['mchid'],
        $nonce,
        $timestamp,
        $settings['merchant_serial'],
        base64_encode($signature),
    );
}

/** Ends the script unless the answer is signed with one of the keys, now. */
function verify(array $headers, string $body, array $keys): void
{
    foreach (['timestamp', 'nonce', 'signature', 'serial'] as $name) {
        isset($headers["wechatpay-$name"]) || refuse("no Wechatpay-$name");
    }
    $timestamp = $headers['wechatpay-timestamp'];
    abs(time() - (int) $timestamp) <= LONGEST_AGE_S || refuse('too old');
    $key = $keys[$headers['wechatpay-serial']] ?? refuse('an unknown key');
    $signature = base64_decode($headers['wechatpay-signature'], true);
    $signature !== false || refuse('a signature that is not base64');
    $message = $timestamp . "\n" . $headers['wechatpay-nonce'] . "\n" . $body . "\n";
    openssl_verify($message, $signature, $key, OPENSSL_ALGO_SHA256) === 1 || refuse('a wrong signature');
}

[, $folder, $openid, $organization] = $argv;
$settings = json_decode(file_get_contents("$folder/settings.json"), true);
$keys = [
    $settings['public_key_id'] => openssl_pkey_get_public(file_get_contents("$folder/wechatpay_pub.pem")),
    $settings['platform_serial'] => openssl_pkey_get_public(file_get_contents("$folder/platform_cert.pem")),
];
$target = '/v3/palmservice/authorization/openid/' . rawurlencode($openid)
    . '?' . http_build_query(['organization_id' => $organization], '', '&', PHP_QUERY_RFC3986);
$key = file_get_contents("$folder/merchant_key.pem");
$lines = [
    'Authorization: ' . authorization($settings, $key, 'GET', $target, ''),
    'Accept: application/json',
    'User-Agent: php',
];
if (isset($argv[4])) {
    $lines[] = 'Wechatpay-Serial: ' . $argv[4];
}
$context = stream_context_create(['http' => ['header' => $lines, 'ignore_errors' => true, 'timeout' => 10]]);
$body = file_get_contents($settings['base_url'] . $target, false, $context);
$headers = [];
foreach (array_slice($http_response_header, 1) as $line) {
    [$name, $value] = explode(':', $line, 2);
    $headers[strtolower($name)] = trim($value);
}
str_contains($http_response_header[0], ' 200 ') || refuse(json_decode($body, true)['code']);
verify($headers, $body, $keys);
echo $body;
