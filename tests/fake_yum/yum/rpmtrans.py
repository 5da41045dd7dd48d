# ruff: noqa
"""A stand-in for yum.rpmtrans: displays. What a display raises ends the transaction, as in yum."""

from yum import constants


class RPMBaseCallback(object):
    def __init__(self):
        self.action = {constants.TS_UPDATE: "Updating", constants.TS_ERASE: "Erasing",
                       constants.TS_INSTALL: "Installing", constants.TS_TRUEINSTALL: "Installing",
                       constants.TS_OBSOLETED: "Obsoleted", constants.TS_OBSOLETING: "Installing",
                       constants.TS_UPDATED: "Cleanup"}  # fmt: skip

    def event(self, package, action, te_current, te_total, ts_current, ts_total):
        raise NotImplementedError()

    def scriptout(self, package, msgs):
        pass

    def errorlog(self, msg):
        pass

    def filelog(self, package, action):
        pass


class NoOutputCallBack(RPMBaseCallback):
    def event(self, package, action, te_current, te_total, ts_current, ts_total):
        pass
