"""The reasons for which the gateway rejects a request: status, code and text.

Sources: codes https://pay.weixin.qq.com/doc/v3/merchant/4012081717, the texts of 401
https://pay.weixin.qq.com/doc/v3/merchant/4012072670. The numbers behind the dash of ``Request-ID``
are for diagnosis only: nothing may rely on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = [
    "BAD_FORMAT",
    "BAD_KEY_ID",
    "BAD_PARAMETER",
    "BAD_SCHEME",
    "BAD_SIGNATURE",
    "BAD_TIMESTAMP",
    "BUSY",
    "FREQUENT",
    "NO_ACCEPT",
    "NO_CERTIFICATES",
    "UNKNOWN_MERCHANT",
    "UNKNOWN_SERIAL",
    "WRONG_METHOD",
    "WRONG_PATH",
    "Rejection",
    "RejectionReason",
]


class RejectionReason(NamedTuple):
    """Why a request is rejected, and what is answered.

    Attributes:
        status: HTTP status.
        code: WeChat Pay's error code; None if the body of the response is empty.
        inner_code: The number behind the dash of ``Request-ID``.
        chinese: The message, unless English is asked for.
        english: The message with ``Accept-Language: en``.
    """

    status: int
    code: str | None
    inner_code: int
    chinese: str = ""
    english: str = ""


class Rejection(Exception):  # noqa: N818 - a response of the gateway, not an error of this program
    """A request is rejected.

    Attributes:
        reason: Why it is rejected.
        detail: The ``detail`` of the response's body; None if it has none.
    """

    def __init__(self, reason: RejectionReason, detail: Mapping[str, object] | None = None) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        """Return the message in English."""
        return self.reason.english


NO_ACCEPT: Final = RejectionReason(
    400,
    "INVALID_REQUEST",
    268435461,
    "Http头缺少Accept或User-Agent",
    "The HTTP header Accept or User-Agent is missing",
)
WRONG_PATH: Final = RejectionReason(404, None, 0)
WRONG_METHOD: Final = RejectionReason(405, None, 0)
BAD_FORMAT: Final = RejectionReason(
    401,
    "SIGN_ERROR",
    270924332,
    "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》",
    "The HTTP header Authorization has a wrong format, see the signature rules of the REST API",
)
BAD_SCHEME: Final = RejectionReason(
    401,
    "SIGN_ERROR",
    270924332,
    "Http头Authorization认证类型不正确",
    "The authentication type of the HTTP header Authorization is wrong",
)
BAD_TIMESTAMP: Final = RejectionReason(
    401,
    "SIGN_ERROR",
    270924332,
    "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟",
    "The timestamp of the HTTP header Authorization must lie within 5 minutes of the request",
)
UNKNOWN_MERCHANT: Final = RejectionReason(
    401,
    "SIGN_ERROR",
    268443715,
    "商户未申请过证书。",
    "The merchant has never applied for a certificate",
)
UNKNOWN_SERIAL: Final = RejectionReason(
    401,
    "SIGN_ERROR",
    268443699,
    "商户证书序列号有误。请使用签名私钥匹配的证书序列号",
    "The serial number of the merchant's certificate is wrong; "
    "use that of the certificate which belongs to the private key",
)
BAD_SIGNATURE: Final = RejectionReason(
    401, "SIGN_ERROR", 268443699, "错误的签名，验签失败", "Wrong signature, verification failed"
)
BAD_KEY_ID: Final = RejectionReason(
    400,
    "PARAM_ERROR",
    268435461,
    "平台证书序列号Wechatpay-Serial错误",
    "Wechatpay-Serial names neither a platform certificate nor the public key",
)
BAD_PARAMETER: Final = RejectionReason(400, "PARAM_ERROR", 268435461, "参数错误", "Wrong parameter")
NO_CERTIFICATES: Final = RejectionReason(
    404,
    "RESOURCE_NOT_EXISTS",
    268435463,
    "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。"
    "可查看指引https://pay.weixin.qq.com/doc/v3/merchant/4012153196",
    "No platform certificate is available, apply for the WeChat Pay public key in the merchant "
    "console, API security",
)
FREQUENT: Final = RejectionReason(
    429,
    "FREQUENCY_LIMITED",
    268447840,
    "请求频率超过限制，请降低频率后重试",
    "Too many requests, try again more slowly",
)
BUSY: Final = RejectionReason(
    500, "SYSTEM_ERROR", 268435457, "系统异常，请稍后重试", "System error, try again later"
)
