# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a Windows host has and could have, as the Windows Update Agent tells it. Changes nothing and decides nothing:
# names, dates and codes go home as they are. Windows PowerShell 3.0 and later. Only calls that the agent allows to
# remote callers: a search that waits for its end, never a downloader, an installer or the acceptance of terms.
#
# Who starts it sets $OpenfleetMark before; the answer, JSON in base64, stands between two lines that begin with it.
# $OpenfleetOptions, JSON in base64, may name a server to ask and a scan file, which is registered for this search.

$ErrorActionPreference = 'Stop'
$Refused = New-Object -TypeName System.Collections.ArrayList
$Servers = @{ default = 0; managed_server = 1; windows_update = 2 }
$Options = ConvertFrom-Json -InputObject (
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($OpenfleetOptions)))

function Get-Code($Record) {
    $problem = $Record.Exception
    while ($problem.InnerException) { $problem = $problem.InnerException }
    '0x{0:X8}' -f $problem.HResult
}

# What the block gives; null, and a line among the refusals, where the host refuses.
function Read-Part([string] $Name, [scriptblock] $Block) {
    try { & $Block }
    catch {
        $null = $Refused.Add([ordered]@{ part = $Name; code = Get-Code $_; message = [string] $_.Exception.Message })
        $null
    }
}

function Format-Utc($Moment) {
    if ($null -eq $Moment) { return $null }
    ([datetime] $Moment).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture)
}

function Get-Value([string] $Key, [string] $Name) {
    if (-not (Test-Path -LiteralPath $Key)) { return $null }
    $value = (Get-Item -LiteralPath $Key).GetValue($Name)
    if ($value -is [array]) { return ($value -join ' ') }
    $value
}

function Get-Category($Category) {
    if ($null -eq $Category) { return $null }
    [ordered]@{
        id = [string] $Category.CategoryID
        name = [string] $Category.Name
        type = [string] $Category.Type
    }
}

function Get-CategoryLine($Category) {
    $line = Get-Category $Category
    $line.parent = Read-Part 'category.parent' { Get-Category $Category.Parent }
    $line
}

function Get-Update($Update) {
    $behavior = $Update.InstallationBehavior
    [ordered]@{
        update_id = [string] $Update.Identity.UpdateID
        revision = [int] $Update.Identity.RevisionNumber
        title = [string] $Update.Title
        kb_article_ids = @($Update.KBArticleIDs | ForEach-Object { [string] $_ })
        msrc_severity = [string] $Update.MsrcSeverity
        security_bulletin_ids = @($Update.SecurityBulletinIDs | ForEach-Object { [string] $_ })
        cve_ids = @($Update.CveIDs | ForEach-Object { [string] $_ })
        superseded_update_ids = @($Update.SupersededUpdateIDs | ForEach-Object { [string] $_ })
        categories = @($Update.Categories | ForEach-Object { Get-CategoryLine $_ })
        last_deployment_change_time = Format-Utc $Update.LastDeploymentChangeTime
        installed = [bool] $Update.IsInstalled
        hidden = [bool] $Update.IsHidden
        downloaded = [bool] $Update.IsDownloaded
        mandatory = [bool] $Update.IsMandatory
        browse_only = [bool] $Update.BrowseOnly
        eula_accepted = [bool] $Update.EulaAccepted
        reboot_required = [bool] $Update.RebootRequired
        type = [int] $Update.Type
        max_download_size = [long] $Update.MaxDownloadSize
        support_url = [string] $Update.SupportUrl
        reboot_behavior = if ($behavior) { [int] $behavior.RebootBehavior } else { $null }
        impact = if ($behavior) { [int] $behavior.Impact } else { $null }
        can_request_user_input = if ($behavior) { [bool] $behavior.CanRequestUserInput } else { $null }
    }
}

function Search-Update($Searcher, [string] $Criteria) {
    try { $found = $Searcher.Search($Criteria) }
    catch {
        return [ordered]@{
            criteria = $Criteria
            result_code = $null
            error = [ordered]@{ code = Get-Code $_; message = [string] $_.Exception.Message }
            warnings = @()
            updates = @()
        }
    }
    [ordered]@{
        criteria = $Criteria
        result_code = [int] $found.ResultCode
        error = $null
        warnings = @($found.Warnings | Where-Object { $_ } | ForEach-Object {
                [ordered]@{ code = '0x{0:X8}' -f $_.HResult; message = [string] $_.Message }
            })
        updates = @($found.Updates | Where-Object { $_ } | ForEach-Object { Get-Update $_ })
    }
}

function Get-HistoryLine($Searcher) {
    $count = [Math]::Min($Searcher.GetTotalHistoryCount(), 2000)
    if ($count -lt 1) { return }
    $Searcher.QueryHistory(0, $count) | Where-Object { $_.UpdateIdentity } | ForEach-Object {
        [ordered]@{
            update_id = [string] $_.UpdateIdentity.UpdateID
            title = [string] $_.Title
            date = Format-Utc $_.Date
            operation = [int] $_.Operation
            result_code = [int] $_.ResultCode
            code = '0x{0:X8}' -f $_.HResult
        }
    }
}

# Reads the text that WMI holds: the property of that name that PowerShell adds makes a date of it by the locale.
function Get-HotfixLine {
    Get-CimInstance -ClassName Win32_QuickFixEngineering | ForEach-Object {
        [ordered]@{
            id = [string] $_.HotFixID
            installed_on = [string] $_.CimInstanceProperties['InstalledOn'].Value
            description = [string] $_.Description
        }
    }
}

function Get-SystemPart {
    $key = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
    $system = Get-CimInstance -ClassName Win32_OperatingSystem
    [ordered]@{
        caption = [string] $system.Caption
        version = [string] $system.Version
        product_type = [int] $system.ProductType
        architecture = [string] $env:PROCESSOR_ARCHITECTURE
        service_pack = [int] $system.ServicePackMajorVersion
        revision = Get-Value $key 'UBR'
        edition = Get-Value $key 'EditionID'
        installation_type = Get-Value $key 'InstallationType'
        display_version = Get-Value $key 'DisplayVersion'
        booted_at = Format-Utc $system.LastBootUpTime.ToUniversalTime()
    }
}

function Get-PolicyPart {
    $key = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate'
    [ordered]@{
        wu_server = Get-Value $key 'WUServer'
        wu_status_server = Get-Value $key 'WUStatusServer'
        target_group = Get-Value $key 'TargetGroup'
        disable_access = Get-Value $key 'DisableWindowsUpdateAccess'
        no_internet_locations = Get-Value $key 'DoNotConnectToWindowsUpdateInternetLocations'
        use_wu_server = Get-Value "$key\AU" 'UseWUServer'
        no_auto_update = Get-Value "$key\AU" 'NoAutoUpdate'
        au_options = Get-Value "$key\AU" 'AUOptions'
    }
}

function Get-RebootPart {
    $base = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion'
    $session = 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager'
    [ordered]@{
        agent = Read-Part 'reboot.agent' { [bool] (New-Object -ComObject Microsoft.Update.SystemInfo).RebootRequired }
        component_servicing = Test-Path -LiteralPath "$base\Component Based Servicing\RebootPending"
        auto_update = Test-Path -LiteralPath "$base\WindowsUpdate\Auto Update\RebootRequired"
        file_renames = [bool] (Get-Value $session 'PendingFileRenameOperations')
    }
}

function Get-ServiceLine {
    Get-CimInstance -ClassName Win32_Service -Filter "Name='wuauserv' OR Name='BITS' OR Name='TrustedInstaller'" |
        ForEach-Object {
            [ordered]@{
                name = [string] $_.Name
                state = [string] $_.State
                start_mode = [string] $_.StartMode
            }
        }
}

function Get-SourceLine {
    (New-Object -ComObject Microsoft.Update.ServiceManager).Services | ForEach-Object {
        [ordered]@{
            id = [string] $_.ServiceID
            name = [string] $_.Name
            registered = [bool] $_.IsRegisteredWithAU
            default = [bool] $_.IsDefaultAUService
        }
    }
}

function Get-DiskLine {
    Get-CimInstance -ClassName Win32_LogicalDisk -Filter 'DriveType=3' | ForEach-Object {
        [ordered]@{
            path = [string] $_.DeviceID
            free_bytes = [long] $_.FreeSpace
            size_bytes = [long] $_.Size
        }
    }
}

function Test-Administrator {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object -TypeName Security.Principal.WindowsPrincipal -ArgumentList $identity
    $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
}

# Asks what the host's policy says, unless an option says otherwise; 3 is a service by its id.
function Get-Searcher($Package) {
    $searcher = (New-Object -ComObject Microsoft.Update.Session).CreateUpdateSearcher()
    if ($Package) {
        $searcher.ServerSelection = 3
        $searcher.ServiceID = [string] $Package.ServiceID
    }
    elseif ($Options.server_selection) { $searcher.ServerSelection = $Servers[[string] $Options.server_selection] }
    $searcher
}

function Get-Reading($Searcher) {
    [ordered]@{
        collected_at = Format-Utc ([datetime]::UtcNow)
        privileged = [bool] (Test-Administrator)
        powershell = [string] $PSVersionTable.PSVersion
        system_drive = [string] $env:SystemDrive
        os = Get-SystemPart
        agent_version = Read-Part 'agent_version' {
            [string] (New-Object -ComObject Microsoft.Update.AgentInfo).GetInfo('ProductVersionString')
        }
        policy = Get-PolicyPart
        services = @(Read-Part 'services' { Get-ServiceLine } | Where-Object { $_ })
        sources = @(Read-Part 'sources' { Get-SourceLine } | Where-Object { $_ })
        last_detection = Read-Part 'last_detection' {
            Format-Utc (New-Object -ComObject Microsoft.Update.AutoUpdate).Results.LastSearchSuccessDate
        }
        reboot = Get-RebootPart
        disk = @(Read-Part 'disk' { Get-DiskLine } | Where-Object { $_ })
        hotfixes = @(Read-Part 'hotfixes' { Get-HotfixLine } | Where-Object { $_ })
        history = @(Read-Part 'history' { Get-HistoryLine $Searcher } | Where-Object { $_ })
        offered = Search-Update $Searcher 'IsInstalled=0'
        present = Search-Update $Searcher 'IsInstalled=1'
        refused = @($Refused)
    }
}

$kind = 'reader_failed'
$package = $null
try {
    if ($Options.offline_file) {
        $kind = 'offline_file_refused'
        $manager = New-Object -ComObject Microsoft.Update.ServiceManager
        $package = $manager.AddScanPackageService('openfleet.patch', [string] $Options.offline_file, 0)
    }
    $kind = 'reader_failed'
    $answer = [ordered]@{ protocol = 1; ok = $true; result = Get-Reading (Get-Searcher $package) }
}
catch {
    $answer = [ordered]@{
        protocol = 1
        ok = $false
        error = [ordered]@{
            kind = $kind
            message = [string] $_.Exception.Message + ' (' + (Get-Code $_) + ')'
            traceback = [string] $_.ScriptStackTrace
        }
    }
}
finally {
    if ($package) { $null = Read-Part 'scan_file' { $manager.RemoveService($package.ServiceID) } }
}
$json = ConvertTo-Json -InputObject $answer -Depth 12 -Compress
"$OpenfleetMark begin answer"
[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($json))
"$OpenfleetMark end answer"
