"""torch.autograd.anomaly_mode: the contexts that look for gradients that are NaN."""

from nbautograd.core.anomaly import detect_anomaly, set_detect_anomaly

__all__ = ["detect_anomaly", "set_detect_anomaly"]
