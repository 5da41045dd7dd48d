# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the yum reader: yum's configuration, its cache of metadata, refreshing it, and its repositories.

yum unpacks databases beside what it downloaded, makes folders and a log, and gives the host an identifier, all of it
while it is only asked. It works on a private folder of links and copies here. The getters of YumBase (conf, repos,
pkgSack, rpmdb, ...) do I/O and raise; hasattr() would hide that, so none is asked of an instance. Stands after
reader_protocol.py, run_workspace.py, system_facts.py and rpm_system.py; uses ReaderError, error_text, read_text,
listing, text_of, utc, run_bounded, steady, begin_refresh, lock_of_pid_file, lock_holder and without_passwords.
`sources` are those of private_sources.py, or None.
"""

import os
import re
import shutil
import sys
import time

YUM_LOCK = 'var/run/yum.pid'
COOKIE = 'cachecookie'


def load_yum():
    try:
        import yum
        import yum.Errors
        import yum.packages
        import yum.update_md
        import rpmUtils.miscutils
    except ImportError as error:
        raise ReaderError('no_native_library', 'The interpreter {0} cannot import yum ({1}); install the package yum '
                          'on the host.'.format(sys.executable or 'in use', error))
    return yum, rpmUtils.miscutils


def stored_uuid(path):
    """The identifier that yum gave the host; without one it would write one now."""
    return str((read_text(path, 100) or '').strip())


def yum_failure(what, error):
    return ReaderError('yum_failed', 'yum could not {0}: {1}'.format(what, str_of(without_passwords(error_text(error)))))


def lasting_words(text, base, own):
    """What yum says of files without what is another in every run: the private folder and addresses in memory."""
    text = re.sub(r"<open file u?'([^']*)', mode '\w+' at 0x[0-9a-f]+>", r'\1', text)
    return text.replace(text_of(base.conf.cachedir), own)


def str_of(text):
    """Text that can be formatted into a message on Python 2 too."""
    return text if isinstance(text, str) else text.encode('utf-8')


def quiet_base(yum):
    """A YumBase that leaves no trace; preconf is gone once it has read its configuration."""
    base = yum.YumBase()
    for module in (yum.config, yum.misc):
        if hasattr(module, 'get_uuid'):
            module.get_uuid = stored_uuid
    base.doFileLogSetup = lambda uid, logfile: None
    base.preconf.init_plugins = False
    base.preconf.debuglevel = base.preconf.errorlevel = -1
    return base


def open_configuration(yum, workspace, sources=None):
    """(YumBase with the host's configuration, its cache folder, its folder of state); no repository is loaded yet.

    With sources the cache is theirs.

    Without yum's plugins: some of them talk to servers or write. What versionlock and priorities would do is read from
    their settings.
    """
    base = quiet_base(yum)
    try:
        conf = base.conf
        own, persistent = text_of(conf.cachedir), text_of(conf.persistdir)
        conf.cachedir = workspace.path('cache')
        conf.persistdir = workspace.path('persist')
        conf._repos_persistdir = os.path.join(conf.persistdir, 'repos')
        # What is not in the cache is left out instead of fetched.
        conf.cache = base.prerepoconf.cache = 1
        if os.path.isdir(os.path.join(persistent, 'yumdb')):
            os.symlink(os.path.join(persistent, 'yumdb'), os.path.join(conf.persistdir, 'yumdb'))
        if sources:
            own = sources.path('cache')
            conf.reposdir = [sources.repository_folder()]
            keep_sources_alone(base, sources)
        base.repos.listEnabled()
    except Exception as error:
        raise yum_failure('read its configuration', error)
    return base, own, persistent


def keep_sources_alone(base, sources):
    """Without those in yum's main configuration, and those that plugins add."""
    for repo in list(base.repos.listEnabled()):
        if text_of(repo.id) not in sources.ids:
            base.repos.disableRepo(repo.id)


def link_cache(base, own):
    """The private cache shows what the host's has at this moment."""
    private = base.conf.cachedir
    for name in listing(own):
        whole, target = os.path.join(own, name), os.path.join(private, name)
        if not os.path.isdir(whole):
            continue
        for folder in (target, os.path.join(target, 'gen'), os.path.join(target, 'packages')):
            os.mkdir(folder, 0o700)
        for inner in listing(whole):
            path = os.path.join(whole, inner)
            if os.path.isdir(path):
                continue
            if inner == COOKIE or '.xml' in inner and inner.endswith('.sqlite'):
                # As link_unpacked says; older versions have no folder for it.
                copy_with_time(path, os.path.join(target, inner))
            else:
                os.symlink(path, os.path.join(target, inner))
        link_unpacked(whole, target)
    for repo in base.repos.listEnabled():
        link_local_notices(repo, os.path.join(private, repo.id))


def copy_with_time(source, target):
    try:
        shutil.copyfile(source, target)
        shutil.copystat(source, target)
    except (IOError, OSError):
        pass


def link_unpacked(whole, target):
    """What yum unpacked, where it is as old as what it was unpacked from: an older one yum would write over."""
    for name, packed in (('primary_db.sqlite', '.sqlite.'), ('primary.xml', '.xml.')):
        times = set()
        for each in listing(whole):
            if 'primary' in each and packed in each:
                times.add(int(seconds_of(os.path.join(whole, each)) or 0))
        path = os.path.join(whole, 'gen', name)
        moment = seconds_of(path)
        if moment is not None and times == set([int(moment)]):
            os.symlink(path, os.path.join(target, 'gen', name))
    made = os.path.join('gen', 'primary.xml.sqlite')
    if os.path.exists(os.path.join(whole, made)):
        # A database that yum made from XML is brought up to date in place.
        copy_with_time(os.path.join(whole, made), os.path.join(target, made))


def link_local_notices(repo, target):
    """Of a repository in a folder of the host yum takes the notices from there, and keeps no copy of its own."""
    for address in [text_of(each) for each in repo.baseurl or []]:
        folder = os.path.join(re.sub(r'^file:(//)?', '', address), 'repodata')
        for name in listing(folder) if folder.startswith('/') and os.path.isdir(target) else []:
            if 'updateinfo' in name and not os.path.lexists(os.path.join(target, name)):
                os.symlink(os.path.join(folder, name), os.path.join(target, name))


def seconds_of(path):
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def metadata_times(base, own):
    """repository -> seconds when its metadata was last known to be current; None where there is none."""
    times = {}
    for repo in base.repos.listEnabled():
        folder = os.path.join(own, text_of(repo.id))
        known = os.path.exists(os.path.join(folder, 'repomd.xml'))
        # yum touches the cookie each time that the server says the metadata is current.
        times[text_of(repo.id)] = seconds_of(os.path.join(folder, COOKIE)) if known else None
    return times


def listed_notices(folder):
    """(file name, bytes or None) of the notices that the repository has by its repomd.xml; None where it has none."""
    whole = read_text(os.path.join(folder, 'repomd.xml'), 1 << 20) or ''
    found = re.search(r'<data\s[^>]*type="updateinfo".*?</data>', whole, re.S)
    if not found:
        return None
    place = re.search(r'<location\s[^>]*href="([^"]+)"', found.group(0))
    size = re.search(r'<size>(\d+)</size>', found.group(0))
    return os.path.basename(place.group(1)) if place else 'updateinfo.xml.gz', int(size.group(1)) if size else None


def notices_missing(private, name):
    """The repository has notices and nobody fetched these: yum itself does that only when it is asked for them."""
    folder = os.path.join(private, name)
    listed = listed_notices(folder)
    if listed is None:
        return False
    try:
        size = os.stat(os.path.join(folder, listed[0])).st_size
    except OSError:
        return True
    return listed[1] not in (None, size)


def refresh_metadata(base, own, options, sources=None):
    """Run `yum makecache` when metadata is older than asked for; a repository that fails is told, not fatal."""
    private, root = base.conf.cachedir, base.conf.installroot
    link_cache(base, own)
    started, begun = time.time(), steady()
    times = metadata_times(base, own)
    due = [None if notices_missing(private, name) else moment for name, moment in times.items()]
    if sources and (None in due or not due):
        # Nobody else ever fetches their metadata.
        options = dict(options, refresh='always')
    result, allowed = begin_refresh(options, due, lambda: yum_lock_holder(root), 'yum')
    if not allowed:
        return result
    if os.geteuid() != 0:
        result.update(attempted=False, skipped_because='only root can refresh the metadata of this host')
        return result
    code, output = make_cache(base, own, sorted(times), options.get('refresh_timeout', 300), started, sources)
    result['errors'] = refresh_errors(times, metadata_times(base, own), started, output)
    if code is None:
        result['errors'].append('yum makecache was stopped after {0} s'.format(int(options.get('refresh_timeout', 300))))
    elif code != 0 and not result['errors']:
        words = text_of(without_passwords(output.strip()))[-500:]
        result['errors'].append('yum makecache ended with {0}: {1}'.format(code, str_of(words)))
    result['ok'] = code == 0 and not result['errors']
    result['seconds'] = round(steady() - begun, 3)
    for name in listing(private):
        shutil.rmtree(os.path.join(private, name))
    link_cache(base, own)
    return result


def make_cache(base, own, names, seconds, started, sources=None):
    """(exit code or None when it took too long, output) of yum makecache."""
    # Older versions leave out the word fast and fetch file lists and notices as well.
    start = ['yum', '--setopt=timeout=30']
    if sources:
        # Plugins may write repository files, or bring repositories from elsewhere.
        start += ['--noplugins', '--setopt=logfile=' + os.path.join(sources.path('aside'), 'yum.log')]
        start += [word for word in sources.setopts() if word.startswith('--setopt')]
    command = start + ['--setopt={0}.skip_if_unavailable=1'.format(name) for name in names]
    if sources:
        command += ['--disablerepo=*'] + ['--enablerepo=' + name for name in names]
    deadline = steady() + seconds
    code, output = run_bounded(command + ['makecache', 'fast'], seconds, 'Error')
    if code == 0 and hasattr(type(base), 'upinfo') and [name for name in names if notices_missing(own, name)]:
        # With mdpolicy=group:primary notices come only when somebody wants to see some.
        code, words = run_bounded(command + ['-q', 'updateinfo', 'summary'], max(1, deadline - steady()), 'Error')
        return code, output + words
    behind = [name for name, moment in sorted(metadata_times(base, own).items()) if not is_since(moment, started)]
    if code is None or code == 0 or len(behind) < 2:
        return code, output
    # Whatever the setting says, yum 3.2.29 and 3.4.3 of 2011 end at the first repository that they cannot reach.
    codes = []
    for name in behind:
        left = deadline - steady()
        if left <= 0:
            return None, output
        each, words = run_bounded(start + ['--disablerepo=*', '--enablerepo=' + name, 'makecache', 'fast'], left, 'Error')
        codes.append(each)
        output += words
    return None if None in codes else max(codes + [0]), output


def is_since(moment, started):
    # File systems keep whole seconds in places.
    return moment is not None and moment >= int(started)


def refresh_errors(before, after, started, output):
    """A sentence for each repository of which yum did not hear that its metadata is current."""
    words = []
    for line in without_passwords(output).splitlines():
        # http://h/x/repodata/repomd.xml: [Errno 14] HTTP Error 404 - Not Found
        if re.search(r'\[Errno|^Error|^Cannot|^Could not|failure: ', line) and line.strip() not in words:
            words.append(line.strip()[:300])
    found = []
    for name in sorted(before):
        if not is_since(after.get(name), started):
            about = [line for line in words if name in line] or words
            found.append('{0} was not refreshed: {1}'.format(name, str_of('; '.join(about[:3]) or 'yum gave no reason')))
    return found


def yum_lock_holder(root):
    """{'pid', 'name', 'file'} of a yum that works on this host, or of whoever holds rpm's own lock; else None."""
    return lock_of_pid_file(os.path.join(root, YUM_LOCK)) or lock_holder(os.path.join(root, 'var/lib/rpm/.rpm.lock'))


def load_repositories(base):
    """repository -> why it cannot be read from the cache. Those are switched off, as yum does with the unavailable."""
    problems = {}
    for repo in list(base.repos.listEnabled()):
        name = text_of(repo.id)
        try:
            repo.repoXML.fileTypes()
            base.repos.populateSack(which=[repo])
            # Older versions do not look into a database before they are asked for a package.
            repo.sack.searchNames(['yum'])
        except Exception as error:
            problems[name] = without_passwords(error_text(error))
            base.repos.disableRepo(repo.id)
            base.repos.pkgSack.sacks.pop(repo.id, None)
        else:
            if not repo.isEnabled():
                problems[name] = 'its metadata is not on the host'
    return problems


def repository_rows(base, wanted, priorities, damaged, sources=None):
    """One row per repository of the configuration; `wanted` are the ids of those that are enabled there."""
    rows = []
    for repo in sorted(base.repos.repos.values(), key=lambda each: each.id):
        name = text_of(repo.id)
        if sources and name not in sources.ids:
            continue
        loaded = name in wanted and bool(repo.isEnabled())
        addresses = [text_of(each) for each in list(repo.baseurl or []) + [repo.metalink, repo.mirrorlist] if each]
        moment = wanted.get(name)
        rows.append({
            'id': name, 'name': text_of(repo.name), 'enabled': name in wanted, 'loaded': loaded,
            'address': without_passwords(addresses[0]) if addresses else None,
            'updateinfo': has_updateinfo(repo) if loaded and name not in damaged else None,
            'age': None if moment is None or not loaded else max(0, int(time.time() - moment)),
            'published_at': utc(int(repo.repoXML.timestamp)) if loaded and repo.repoXML.timestamp else None,
            'gpgcheck': bool(repo.gpgcheck), 'repo_gpgcheck': bool(repo.repo_gpgcheck),
            'priority': priorities.get(name, 99), 'cost': int(repo.cost)})
    return rows


def has_updateinfo(repo):
    return 'updateinfo' in repo.repoXML.fileTypes()


def plugin_settings(conf, name):
    """The settings of a plugin that yum would load, as text; None where it is missing or switched off."""
    if not conf.plugins or not [path for path in conf.pluginpath
                                if os.path.exists(os.path.join(path, name + '.py'))]:
        return None
    for folder in conf.pluginconfpath:
        text = read_text(os.path.join(folder, name + '.conf'))
        if text is not None:
            return text if re.search(r'^\s*enabled\s*[=:]\s*(1|yes|true|on)\s*$', text, re.M | re.I) else None
    return None


def repository_priorities(base):
    """repository -> its priority (99 unless it says so); empty where the plugin that honours them does not run."""
    if plugin_settings(base.conf, 'priorities') is None:
        return {}
    found = {}
    for repo in base.repos.repos.values():
        match = None
        if repo.repofile:
            pattern = r'^\[{0}\]\s*$(.*?)(?=^\[|\Z)'.format(re.escape(repo.id))
            section = re.search(pattern, read_text(repo.repofile, 1 << 20) or '', re.M | re.S)
            match = section and re.search(r'^\s*priority\s*[=:]\s*(-?\d+)\s*$', section.group(1), re.M)
        found[text_of(repo.id)] = int(match.group(1)) if match else 99
    return found
