; Inno Setup 6: makes an installer of what `make app` left in .data\app\dist. Never run yet (docs/desktop.md).
;   iscc /DVersion=0.1.0 build\app\windows\slm-playground.iss
#ifndef Version
  #error Say which version: iscc /DVersion=0.1.0
#endif
#define Root "..\..\.."

[Setup]
AppId={{7C3E9C1B-6D0D-4B0C-9B62-5A1E4D0F7F2A}
AppName=SLM Playground
AppVersion={#Version}
DefaultDirName={localappdata}\Programs\SLM Playground
DefaultGroupName=SLM Playground
; For one user, without asking for rights. Models and chats lie in the user's data folder and stay when the app is removed.
PrivilegesRequired=lowest
ArchitecturesInstallIn64BitMode=x64compatible
OutputDir={#Root}\.data\app
OutputBaseFilename=slm-playground-{#Version}-windows-setup
SetupIconFile={#Root}\.data\app\icons\icon.ico
LicenseFile={#Root}\LICENSE
Compression=lzma2
SolidCompression=yes

[InstallDelete]
; Parts of an older version would be found by the new one.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Root}\.data\app\dist\slm-playground\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{group}\SLM Playground"; Filename: "{app}\slm-playground.exe"
Name: "{autodesktop}\SLM Playground"; Filename: "{app}\slm-playground.exe"; Tasks: desktopicon

[Tasks]
Name: desktopicon; Description: "Icon on the desktop"; Flags: unchecked

[Registry]
Root: HKCU; Subkey: "Software\Classes\slm"; ValueType: string; ValueData: "URL:SLM Playground"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Classes\slm"; ValueType: string; ValueName: "URL Protocol"; ValueData: ""
Root: HKCU; Subkey: "Software\Classes\slm\shell\open\command"; ValueType: string; ValueData: """{app}\slm-playground.exe"" desktop ""%1"""

[Run]
Filename: "{app}\slm-playground.exe"; Description: "Start SLM Playground"; Flags: postinstall nowait skipifsilent

[UninstallRun]
; A program that runs cannot be deleted.
Filename: "{app}\slm-playground.exe"; Parameters: "desktop --quit"; Flags: runhidden; RunOnceId: "quit"
