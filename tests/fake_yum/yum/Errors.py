# ruff: noqa
"""A stand-in for yum.Errors: who stands below whom, and that `value` may be a text or a list."""


class YumBaseError(Exception):
    def __init__(self, value=None):
        Exception.__init__(self)
        self.value = value

    def __str__(self):
        return "%s" % (self.value,)


class RepoError(YumBaseError):
    pass


class RepoMDError(YumBaseError):
    pass


class LockError(YumBaseError):
    def __init__(self, errno, msg, pid=0):
        YumBaseError.__init__(self, msg)
        self.errno, self.msg, self.pid = errno, msg, pid


class ConfigError(YumBaseError):
    pass


class InstallError(YumBaseError):
    pass


class UpdateError(YumBaseError):
    pass


class YumDownloadError(YumBaseError):
    pass


class YumGPGCheckError(YumBaseError):
    pass


class YumTestTransactionError(YumBaseError):
    pass


class YumRPMCheckError(YumBaseError):
    pass


class YumRPMTransError(YumBaseError):
    def __init__(self, msg, errors):
        YumBaseError.__init__(self, msg)
        self.errors = errors
